import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { ProxyPlan } from "../config/node-plan.ts";

/** A socket that the supervisor opens and the proxies inherit. */
export interface ListeningSocket extends Endpoint {
  readonly protocol: "tcp" | "udp";
}

/** Names a listening socket: the endpoint as `formatEndpoint` writes it, with `udp` before it if it is one of UDP. */
export function socketName(protocol: ListeningSocket["protocol"], endpoint: Endpoint): string {
  return protocol === "tcp" ? formatEndpoint(endpoint) : `${protocol} ${formatEndpoint(endpoint)}`;
}

/** Gives the sockets that the proxies of a plan listen on, each once by its name, in the order of the plan. */
export function listeningSockets(plan: ProxyPlan): ReadonlyMap<string, ListeningSocket> {
  const byName = new Map<string, ListeningSocket>();
  const add = (protocol: ListeningSocket["protocol"], sockets: readonly Endpoint[]): void => {
    for (const { address, port } of sockets) {
      byName.set(socketName(protocol, { address, port }), { protocol, address, port });
    }
  };
  for (const { http3, sockets } of plan.listeners) {
    add("tcp", sockets);
    if (http3 !== null) add("udp", sockets);
  }
  for (const { sockets, udp } of plan.relays) add(udp === null ? "tcp" : "udp", sockets);
  return byName;
}
