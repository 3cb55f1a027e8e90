import type { IpvsServicePlan } from "../config/service-plan.ts";
import type { IpvsService } from "../kernel/ipvs.ts";
import { formatKey } from "../kernel/ipvs-messages.ts";
import type { Circumstances } from "./moment.ts";
import { keyOf } from "./table.ts";

/** What an earlier process has left, and what the operator has ordered. */
export interface LeftTable extends Pick<Circumstances, "drainOf"> {
  readonly actual: readonly IpvsService[];
  /** Keys of the services that are edge-ha's, as `formatKey` writes them. */
  readonly owned: ReadonlySet<string>;
}

/**
 * What the table of an earlier process says about servers, by probe: it knew who is down, and a restart forgets nothing.
 * A server is up if any service has it. PURE.
 */
export function standingVerdicts(
  services: readonly IpvsServicePlan[],
  { actual, owned, drainOf }: LeftTable,
): Map<string, boolean> {
  const present = new Map(actual.map((service) => [formatKey(service.key), service]));
  const verdicts = new Map<string, boolean>();
  for (const service of services) {
    const key = formatKey(keyOf(service));
    const entry = present.get(key);
    if (entry === undefined || !owned.has(key)) continue;
    const weights = new Map(entry.servers.map((server) => [placeText(server), server.weight]));
    for (const server of service.servers) {
      const { probe, weight, inhibits } = server;
      // Whoever was taken out by order is missing, or has no weight, for that reason.
      if (probe === null || drainOf(service, server) !== null) continue;
      const found = weights.get(placeText(server));
      const isUp = found !== undefined && !(inhibits && weight > 0 && found === 0);
      verdicts.set(probe, isUp || verdicts.get(probe) === true);
    }
  }
  return verdicts;
}

function placeText({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${address} ${port}`;
}
