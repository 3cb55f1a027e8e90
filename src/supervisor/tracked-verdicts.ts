import { remembered } from "../base/remembered.ts";
import type { VrrpPlan } from "../config/node-plan.ts";
import type { Verdict } from "../ipc/messages.ts";

/** Gives what the claims of a plan depend on among verdicts: of 37,000 checks mostly none, and `vrrp` is to hear of no other. PURE. */
export function trackedVerdicts(plan: VrrpPlan, verdicts: Iterable<Verdict>): readonly Verdict[] {
  const probes = trackedProbes(plan);
  return probes.size === 0 ? [] : [...verdicts].filter(({ probe }) => probes.has(probe));
}

const trackedProbes = remembered(({ tracks }: VrrpPlan): ReadonlySet<string> => {
  const servers = tracks.flatMap((track) => (track.kind === "servers" ? track.servers : []));
  return new Set(servers.flatMap(({ probe }) => probe ?? []));
});
