import { formatEndpoint } from "../base/address.ts";
import type { IpvsServicePlan } from "../config/service-plan.ts";
import { concerns } from "../ipc/drain-target.ts";
import type { IpvsService } from "../kernel/ipvs.ts";
import { formatKey } from "../kernel/ipvs-messages.ts";
import type { Drain } from "./drains.ts";
import { plainCircumstances } from "./moment.ts";
import { planSteps, type Step } from "./plan.ts";
import { desiredTable, keyOf } from "./table.ts";

/** What is known of a host beside its configuration. */
export interface Present {
  /** The kernel's table. */
  readonly actual: readonly IpvsService[];
  /** Keys of the services in it that are edge-ha's, as `formatKey` writes them. */
  readonly owned: ReadonlySet<string>;
  /** What the running service's checks say; of a probe that is missing the table tells, as after a restart. */
  readonly verdicts: ReadonlyMap<string, boolean>;
  readonly drains: readonly Drain[];
}

/** Gives the steps that taking these services into force would begin with. PURE. */
export function forecast(services: readonly IpvsServicePlan[], present: Present): readonly Step[] {
  const { actual, owned, drains } = present;
  const verdicts = new Map([...standingVerdicts(services, present), ...present.verdicts]);
  const desired = desiredTable(services, (probe) => verdicts.get(probe) ?? null, {
    ...plainCircumstances,
    drainOf: (service, server) => drains.find((drain) => concerns(drain, service, server))?.state ?? null,
  });
  return planSteps(desired, actual, owned);
}

/** A server that is missing in a service of edge-ha's own was down. */
function standingVerdicts(
  services: readonly IpvsServicePlan[],
  { actual, owned }: Present,
): Map<string, boolean> {
  const present = new Map(actual.map((service) => [formatKey(service.key), service]));
  const verdicts = new Map<string, boolean>();
  for (const service of services) {
    const key = formatKey(keyOf(service));
    const entry = present.get(key);
    if (entry === undefined || !owned.has(key)) continue;
    const there = new Set(entry.servers.map(formatEndpoint));
    for (const server of service.servers) {
      if (server.probe === null) continue;
      verdicts.set(server.probe, there.has(formatEndpoint(server)) || verdicts.get(server.probe) === true);
    }
  }
  return verdicts;
}
