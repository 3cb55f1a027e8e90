import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { ProxyPlan } from "../config/node-plan.ts";
import { listeningSockets } from "../ipc/listening-socket.ts";
import { listenerKey, listenerKeyOf, takeOverListener } from "../kernel/inherited-socket.ts";
import { backlog, type SocketSet } from "./sockets.ts";

/** A descriptor that was open when this program started. */
export interface InheritedSocket {
  readonly descriptor: number;
  /** What the service manager keeps it as, or null if it does not. */
  readonly storedAs: string | null;
}

/** sd_listen_fds(3): the first descriptor that the service manager passes. */
const firstDescriptor = 3;

/** Reads what the service manager has passed to this very process, after sd_listen_fds(3). */
export function socketsOfManager(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): readonly InheritedSocket[] {
  const count = Number(environment["LISTEN_FDS"]);
  if (Number(environment["LISTEN_PID"]) !== pid || !Number.isInteger(count) || count <= 0) return [];
  const names = (environment["LISTEN_FDNAMES"] ?? "").split(":");
  return Array.from({ length: count }, (_, index) => ({
    descriptor: firstDescriptor + index,
    storedAs: names[index] ?? null,
  }));
}

/**
 * Sorts inherited sockets into the sets of one process after the other, ready for use as far as the plan listens on them.
 * The others are in these sets, too, under names that no plan has: whoever closes what is not used any more closes them.
 */
export function takeOverSockets(
  inherited: readonly InheritedSocket[],
  plan: ProxyPlan,
  log: Log,
): readonly SocketSet[] {
  const planned = new Map(
    [...listeningSockets(plan)].map(([name, socket]) => [
      listenerKey(socket.protocol, socket),
      { name, socket },
    ]),
  );
  const sets: Map<string, number>[] = [];
  const unfit: string[] = [];
  for (const { descriptor, storedAs } of inherited) {
    const found = planned.get(listenerKeyOf(descriptor) ?? "");
    const name = found?.name ?? `inherited ${descriptor}`;
    try {
      takeOverListener(descriptor, found?.socket.protocol === "tcp" ? found.socket : null, backlog);
      freeSet(sets, name).set(name, descriptor);
      if (found === undefined) unfit.push(storedAs ?? `descriptor ${descriptor}`);
    } catch (error) {
      unfit.push(`${storedAs ?? `descriptor ${descriptor}`} (${errorText(error)})`);
    }
  }
  const taken = inherited.length - unfit.length;
  if (taken > 0) log.notice(`goes on with ${taken} of its predecessor's listening sockets`);
  if (unfit.length > 0) {
    log.warning(
      `closes ${unfit.length} sockets that were passed on and are not in the configuration: ${unfit.join(", ")}`,
    );
  }
  return sets;
}

/** The first set that has no socket of this name yet. */
function freeSet(sets: Map<string, number>[], name: string): Map<string, number> {
  const free = sets.find((set) => !set.has(name));
  if (free !== undefined) return free;
  const fresh = new Map<string, number>();
  sets.push(fresh);
  return fresh;
}
