import { formatEndpoint } from "../base/address.ts";
import type { ProxiedPlan } from "../config/proxied-plan.ts";
import type { ProxiedStatus } from "../ipc/status.ts";
import { serverId } from "./balanced-service.ts";
import { standingOf, type IsUp } from "./moment.ts";
import type { ToldCircumstances } from "./service-status.ts";

/** Shows how the servers of relays and upstreams stand; what passes to them the proxies know. PURE. */
export function proxiedStatuses(
  weighed: readonly ProxiedPlan[],
  isUp: IsUp,
  circumstances: ToldCircumstances,
): readonly ProxiedStatus[] {
  return weighed.map((service) => {
    const { kind, name, group, protocol, scheduler, persistenceS, sorry } = service;
    const { servers, hasQuorum } = standingOf(service, isUp, circumstances);
    const isSorryThere = sorry !== null && circumstances.drainOf(service, sorry) === null;
    return {
      kind,
      name,
      group,
      sockets: service.sockets.map((socket) => `${protocol} ${formatEndpoint(socket)}`),
      scheduler,
      persistenceS,
      hasQuorum,
      usesSorry: isSorryThere && !servers.some(({ weight }) => weight !== null && weight > 0),
      sorry: sorry === null ? null : formatEndpoint(sorry),
      servers: servers.map(({ server, isUp: isServing, isHeld, drain, weight }) => ({
        id: serverId(service, server),
        address: server.address,
        port: server.port,
        weight: weight ?? 0,
        isUp: isServing,
        isHeld,
        drain,
        cutConnections: circumstances.cutOf(service, server),
        upperThreshold: server.upperThreshold,
        lowerThreshold: server.lowerThreshold,
        traffic: null,
      })),
    };
  });
}
