import type { ProxiedPlan } from "../config/proxied-plan.ts";
import { concerns } from "../ipc/drain-target.ts";
import type { ServerStanding } from "../ipc/standing.ts";
import { serverId } from "./balanced-service.ts";
import type { Drain } from "./drains.ts";
import type { ServiceStanding } from "./moment.ts";

/** Gives what the proxies have to know of their servers; `standings` are those of the services, in their order. PURE. */
export function serverStandings(
  services: readonly ProxiedPlan[],
  standings: readonly ServiceStanding[],
  drains: readonly Drain[],
): readonly ServerStanding[] {
  return services.flatMap((service, index) =>
    (standings[index]?.servers ?? []).map(({ server, isUp, drain, weight }) => ({
      server: serverId(service, server),
      isOpen: weight !== null && isUp && drain === null,
      weight: weight ?? 0,
      drainedSince: drains.find((one) => concerns(one, service, server))?.since ?? null,
      endsConnections: weight === null,
    })),
  );
}
