import { formatEndpoint } from "../base/address.ts";
import type { IpvsServicePlan, ServiceKeyPlan } from "../config/service-plan.ts";
import type { ServiceStatus } from "../ipc/status.ts";
import type { IpvsService } from "../kernel/ipvs.ts";
import { formatKey } from "../kernel/ipvs-messages.ts";
import { standingOf, type Circumstances, type IsUp } from "./moment.ts";
import { keyOf } from "./table.ts";

/** Shows the planned services as the kernel has them. PURE. */
export function serviceStatuses(
  services: readonly IpvsServicePlan[],
  actual: readonly IpvsService[],
  isUp: IsUp,
  circumstances?: Circumstances,
): readonly ServiceStatus[] {
  const present = new Map(actual.map((service) => [formatKey(service.key), service]));
  return services.map((service) => {
    const entry = present.get(formatKey(keyOf(service)));
    const entries = new Map(entry?.servers.map((server) => [formatEndpoint(server), server]));
    const { sorry } = service;
    const standing = standingOf(service, isUp, circumstances);
    return {
      name: service.name,
      ...place(service.key),
      scheduler: entry?.scheduler ?? service.scheduler,
      usesSorry: !standing.hasQuorum && sorry !== null && entries.has(formatEndpoint(sorry)),
      hasQuorum: standing.hasQuorum,
      servers: standing.servers.map(({ server, isUp: isServing, drain }) => {
        const found = entries.get(formatEndpoint(server));
        return {
          address: server.address,
          port: server.port,
          weight: found?.weight ?? 0,
          isUp: isServing,
          drain,
          activeConnections: found?.activeConnections ?? 0,
          inactiveConnections: found?.inactiveConnections ?? 0,
          persistentConnections: found?.persistentConnections ?? 0,
        };
      }),
    };
  });
}

function place(key: ServiceKeyPlan): Pick<ServiceStatus, "protocol" | "address" | "port" | "mark"> {
  if ("mark" in key) return { protocol: null, address: null, port: null, mark: key.mark };
  return { protocol: key.protocol, address: key.address, port: key.port, mark: null };
}
