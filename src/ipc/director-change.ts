import type { ProbePlan, ProbeSetPlan } from "../config/check-plan.ts";
import type { DirectorPlan } from "../config/node-plan.ts";
import type { IpvsServicePlan } from "../config/service-plan.ts";
import { changedList, listChange, type ListChange } from "./list-change.ts";

/** What makes a director's plan out of the one that it was sent before. PURE. */
export interface DirectorChange extends Pick<
  DirectorPlan,
  "proxied" | "lookups" | "detours" | "marks" | "footing" | "notify"
> {
  readonly probes: ListChange<ProbePlan>;
  readonly probeSets: ListChange<ProbeSetPlan>;
  readonly services: ListChange<IpvsServicePlan>;
}

/** Says what became of a plan; of probes and services, what is the same object is the same. */
export function directorChange(before: DirectorPlan, after: DirectorPlan): DirectorChange {
  return {
    probes: listChange(before.probes, after.probes),
    probeSets: listChange(before.probeSets, after.probeSets),
    services: listChange(before.services, after.services),
    detours: after.detours,
    proxied: after.proxied,
    lookups: after.lookups,
    marks: after.marks,
    footing: after.footing,
    notify: after.notify,
  };
}

/** Makes the new plan out of the one before. */
export function changedDirectorPlan(before: DirectorPlan, change: DirectorChange): DirectorPlan {
  return {
    probes: changedList(before.probes, change.probes),
    probeSets: changedList(before.probeSets, change.probeSets),
    services: changedList(before.services, change.services),
    detours: change.detours,
    proxied: change.proxied,
    lookups: change.lookups,
    marks: change.marks,
    footing: change.footing,
    notify: change.notify,
  };
}
