import { hasCode } from "../base/system-error.ts";
import type { FromProxy, ToProxy } from "../ipc/messages.ts";
import { startChild, type Child, type ChildOptions } from "./child.ts";
import type { Seats } from "./seats.ts";

/**
 * Starts a proxy process, which finds the memory for counts behind its sockets, and its seat there by its pid; throws with a
 * word on what to do if its user has no access to this very executable.
 */
export function startProxy(seats: Seats, options: Omit<ChildOptions<FromProxy>, "role">): Child<ToProxy> {
  const descriptors = [...options.descriptors, seats.descriptor];
  const onExit = (how: string): void => {
    seats.clear(pid);
    options.onExit(how);
  };
  let pid = 0;
  try {
    const child = startChild<ToProxy, FromProxy>({ role: "proxy", ...options, descriptors, onExit });
    ({ pid } = child);
    seats.take(pid);
    return child;
  } catch (error) {
    if (options.user === null || !hasCode(error, "EACCES")) throw error;
    throw new Error(
      `user ${options.user.name} may not run ${process.execPath}; put it where everyone can reach it, such as /usr/bin`,
      { cause: error },
    );
  }
}
