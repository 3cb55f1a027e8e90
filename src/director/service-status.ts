import { formatEndpoint } from "../base/address.ts";
import type { IpvsServicePlan } from "../config/node-plan.ts";
import type { ServiceStatus } from "../ipc/status.ts";
import type { IpvsService } from "../kernel/ipvs.ts";
import { formatKey } from "../kernel/ipvs-messages.ts";
import { keyOf, sorryEndpoint, type IsUp } from "./table.ts";

/** Shows the planned services as the kernel has them. PURE. */
export function serviceStatuses(
  services: readonly IpvsServicePlan[],
  actual: readonly IpvsService[],
  isUp: IsUp,
): readonly ServiceStatus[] {
  const present = new Map(actual.map((service) => [formatKey(service.key), service]));
  return services.map((service) => {
    const entry = present.get(formatKey(keyOf(service)));
    const entries = new Map(entry?.servers.map((server) => [formatEndpoint(server), server]));
    const sorry = sorryEndpoint(service);
    return {
      name: service.name,
      address: service.address,
      port: service.port,
      scheduler: entry?.scheduler ?? service.scheduler,
      usesSorry: sorry !== null && entries.has(formatEndpoint(sorry)),
      servers: service.servers.map((server) => ({
        address: server.address,
        port: server.port,
        weight: entries.get(formatEndpoint(server))?.weight ?? 0,
        isUp: server.probe === null || isUp(server.probe),
        activeConnections: entries.get(formatEndpoint(server))?.activeConnections ?? 0,
      })),
    };
  });
}
