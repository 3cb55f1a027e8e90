import { hasCode } from "../base/system-error.ts";
import type { FromProxy, ToProxy } from "../ipc/messages.ts";
import { startChild, type Child, type ChildOptions } from "./child.ts";
import type { Seats } from "./seats.ts";

/** Starts a child; it is `startChild` but in tests. */
type Start = (options: ChildOptions<FromProxy>) => Child<ToProxy>;

/**
 * Starts a proxy process, which finds the memory for counts behind its sockets, and its seat there by its pid; throws with a
 * word on what to do if its user has no access to this very executable.
 */
export function startProxy(
  seats: Pick<Seats, "clear" | "descriptor" | "take">,
  options: Omit<ChildOptions<FromProxy>, "role">,
  start: Start = startChild<ToProxy, FromProxy>,
): Child<ToProxy> {
  const descriptors = [...options.descriptors, seats.descriptor];
  let seated: number | null = null;
  const onExit = (how: string): void => {
    if (seated === null) return;
    seats.clear(seated);
    options.onExit(how);
  };
  try {
    const child = start({ role: "proxy", ...options, descriptors, onExit });
    takeSeat(seats, child);
    seated = child.pid;
    return child;
  } catch (error) {
    if (options.user === null || !hasCode(error, "EACCES")) throw error;
    throw new Error(
      `user ${options.user.name} may not run ${process.execPath}; put it where everyone can reach it, such as /usr/bin`,
      { cause: error },
    );
  }
}

/** There is no pid before there is a process: one that gets no seat is ended here, for nobody else would know of it. */
function takeSeat(seats: Pick<Seats, "take">, child: Child<ToProxy>): void {
  try {
    seats.take(child.pid);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}
