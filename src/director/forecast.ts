import type { IpvsServicePlan } from "../config/service-plan.ts";
import type { WeightWord } from "../config/weight-word.ts";
import { concerns } from "../ipc/drain-target.ts";
import type { IpvsService } from "../kernel/ipvs.ts";
import type { Drain } from "./drains.ts";
import { plainCircumstances, type Circumstances } from "./moment.ts";
import { planSteps, type Step } from "./plan.ts";
import { standingVerdicts } from "./standing-verdicts.ts";
import { desiredTable } from "./table.ts";
import { weighedServices } from "./weights.ts";

/** What is known of a host beside its configuration. */
export interface Present {
  /** The kernel's table. */
  readonly actual: readonly IpvsService[];
  /** Keys of the services in it that are edge-ha's, as `formatKey` writes them. */
  readonly owned: ReadonlySet<string>;
  /** What the running service's checks say; of a probe that is missing the table tells, as after a restart. */
  readonly verdicts: ReadonlyMap<string, boolean>;
  /** What the running service's checks say about weights. */
  readonly words: ReadonlyMap<string, WeightWord>;
  readonly drains: readonly Drain[];
}

/** Gives the steps that taking these services into force would begin with. PURE. */
export function forecast(services: readonly IpvsServicePlan[], present: Present): readonly Step[] {
  const { actual, owned, drains } = present;
  const drainOf: Circumstances["drainOf"] = (service, server) =>
    drains.find((drain) => concerns(drain, service, server))?.state ?? null;
  const verdicts = new Map([...standingVerdicts(services, { actual, owned, drainOf }), ...present.verdicts]);
  const weighed = weighedServices(services, (probe) => present.words.get(probe) ?? null);
  const circumstances = { ...plainCircumstances, drainOf };
  return planSteps(
    desiredTable(weighed, (probe) => verdicts.get(probe) ?? null, circumstances),
    actual,
    owned,
  );
}
