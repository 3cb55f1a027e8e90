import { concerns } from "../ipc/drain-target.ts";
import type { IpvsService } from "../kernel/ipvs.ts";
import { formatKey } from "../kernel/ipvs-messages.ts";
import type { IpvsServicePlan } from "../config/service-plan.ts";
import { type BalancedService, hasServer, serverId, serviceId } from "./balanced-service.ts";
import type { Drain } from "./drains.ts";

/** How many connections servers have, by the word of those who carry them. PURE. */
export interface Occupancy {
  /** The kernel's table; null if it cannot be read at present. */
  readonly table: readonly IpvsService[] | null;
  /** Connections that the proxies have to a server which was taken out at `since`; null until all of them have told. */
  readonly behindProxies: (server: string, since: string) => number | null;
}

/** What is left at a server that is being drained. */
export interface Remains {
  readonly connections: number;
  /** Whether that is all, and nothing comes to it any more. */
  readonly isQuiet: boolean;
}

/** Counts what the end of a drain would cut off. */
export function remainsOf(
  drain: Drain,
  services: readonly BalancedService[],
  { table, behindProxies }: Occupancy,
): Remains {
  const present = new Map(table?.map((entry) => [formatKey(entry.key), entry]));
  let connections = 0;
  // One that is no server here at present is nothing that could be counted.
  let isQuiet = hasServer(services, drain);
  for (const service of services) {
    if (service.name !== drain.service) continue;
    const remains =
      "key" in service
        ? inTable(drain, service, table === null ? null : present.get(serviceId(service)))
        : behind(drain, service, behindProxies);
    connections += remains.connections;
    isQuiet &&= remains.isQuiet;
  }
  return { connections, isQuiet };
}

/**
 * Of TCP a connection that is closing no longer matters. While the table has a weight yet the server may be given another
 * connection after it was counted: it is not quiet.
 */
function inTable(drain: Drain, service: IpvsServicePlan, entry: IpvsService | null | undefined): Remains {
  let connections = 0;
  let isQuiet = entry !== null;
  const isTcp = "protocol" in service.key && service.key.protocol === "tcp";
  for (const server of entry?.servers ?? []) {
    if (!concerns(drain, service, server)) continue;
    if (server.weight > 0) isQuiet = false;
    connections += server.activeConnections + server.persistentConnections;
    if (!isTcp) connections += server.inactiveConnections;
  }
  return { connections, isQuiet };
}

function behind(drain: Drain, service: BalancedService, told: Occupancy["behindProxies"]): Remains {
  const counts = service.servers
    .filter((server) => concerns(drain, service, server))
    .map((server) => told(serverId(service, server), drain.since));
  const connections = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  return { connections, isQuiet: !counts.includes(null) };
}
