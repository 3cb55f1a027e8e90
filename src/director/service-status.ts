import { formatEndpoint } from "../base/address.ts";
import type { IpvsServicePlan, ServiceKeyPlan } from "../config/service-plan.ts";
import type { ServiceStatus } from "../ipc/status.ts";
import type { IpvsService } from "../kernel/ipvs.ts";
import { formatKey } from "../kernel/ipvs-messages.ts";
import { keyOf, type IsUp } from "./table.ts";

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
    const { sorry } = service;
    return {
      name: service.name,
      ...place(service.key),
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

function place(key: ServiceKeyPlan): Pick<ServiceStatus, "protocol" | "address" | "port" | "mark"> {
  if ("mark" in key) return { protocol: null, address: null, port: null, mark: key.mark };
  return { protocol: key.protocol, address: key.address, port: key.port, mark: null };
}
