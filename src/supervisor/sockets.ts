import { formatEndpoint } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { hasCode, SystemError } from "../base/system-error.ts";
import type { ProxyPlan } from "../config/node-plan.ts";
import { listeningSockets, type ListeningSocket } from "../ipc/listening-socket.ts";
import { closeListener, holdConnections, listenTcp, listenUdp } from "../kernel/listen.ts";

/** How many connections may wait at a listening socket. */
export const backlog = 4_096;

/** The listening sockets of one proxy process by name. */
export type SocketSet = ReadonlyMap<string, number>;

/**
 * Opens each listening socket once for each process (SO_REUSEPORT), keeping those that are open already.
 * The supervisor holds them for as long as they are configured, so that connections waiting in the queue of a
 * process that died are served by its successor. Throws `SystemError`, with nothing left open, if one fails.
 */
export function openSockets(
  plan: ProxyPlan,
  workers: number,
  existing: readonly SocketSet[],
  log: Log,
): SocketSet[] {
  const opened: number[] = [];
  const sockets = listeningSockets(plan);
  try {
    return Array.from({ length: workers }, (_, worker) => {
      const set = new Map<string, number>();
      for (const [name, socket] of sockets) {
        const kept = existing[worker]?.get(name);
        const descriptor = kept ?? openOne(socket, log);
        if (descriptor === null) continue;
        if (kept === undefined) opened.push(descriptor);
        set.set(name, descriptor);
      }
      return set;
    });
  } catch (error) {
    for (const descriptor of opened) closeListener(descriptor);
    throw error;
  }
}

function openOne(socket: ListeningSocket, log: Log): number | null {
  const { protocol, ...endpoint } = socket;
  try {
    return protocol === "tcp" ? listenTcp({ endpoint, backlog }) : listenUdp(endpoint);
  } catch (error) {
    // `:80` means IPv6 too, but a host without IPv6 is no reason not to start.
    if (endpoint.address === "::" && hasCode(error, "EAFNOSUPPORT", "EADDRNOTAVAIL")) {
      log.info(`no IPv6 on this host: not listening on ${formatEndpoint(endpoint)}`);
      return null;
    }
    if (error instanceof SystemError && error.code === "EADDRINUSE") {
      throw new SystemError(
        "listen",
        "EADDRINUSE",
        protocol === "tcp"
          ? `${formatEndpoint(endpoint)} is taken by another program (\`ss -ltnp\` names it); stop it or change the listener's address`
          : `UDP ${formatEndpoint(endpoint)} is taken by another program (\`ss -lunp\` names it); stop it or change the service's address or port`,
      );
    }
    throw error;
  }
}

/** Closes the sockets of `before` that `after` does not have any more. */
export function closeUnused(before: readonly SocketSet[], after: readonly SocketSet[]): void {
  const kept = new Set(after.flatMap((set) => [...set.values()]));
  for (const set of before) {
    for (const descriptor of set.values()) if (!kept.has(descriptor)) closeListener(descriptor);
  }
}

/** Leaves new connections to these addresses unanswered, and to no others. Datagrams are answered until the address is gone. */
export function hold(set: SocketSet, addresses: readonly string[]): void {
  for (const [name, descriptor] of set) {
    if (name.startsWith("udp ")) continue;
    holdConnections(descriptor, name.startsWith("[") ? 6 : 4, addresses);
  }
}

/** Tells whether two lists hold the same sockets in the same places. */
export function sameSockets(a: readonly SocketSet[], b: readonly SocketSet[]): boolean {
  return (
    a.length === b.length &&
    a.every((set, worker) => {
      const other = b[worker];
      return (
        other !== undefined &&
        set.size === other.size &&
        [...set].every(([text, descriptor]) => other.get(text) === descriptor)
      );
    })
  );
}
