import type { ProbeSetPlan } from "../config/check-plan.ts";
import type { WeightWord } from "../config/weight-word.ts";

/** Several probes of one server that decide about it together. PURE. */

/** Gives what a set has come to: down as soon as one probe is, up when all are known to be; null in between. */
export function setVerdict(
  { probes }: ProbeSetPlan,
  verdictOf: (probe: string) => boolean | null,
): boolean | null {
  const verdicts = new Set(probes.map(verdictOf));
  if (verdicts.has(false)) return false;
  return verdicts.has(null) ? null : true;
}

/** Gives what a set says about the weight: what the one of its probes does that says anything. */
export function setWeightWord(
  { probes }: ProbeSetPlan,
  wordOf: (probe: string) => WeightWord | null,
): WeightWord | null {
  return probes.map(wordOf).find((word) => word !== null) ?? null;
}

/** Adds to what is known of single probes what it comes to for sets of them. */
export function withSets<Value>(
  sets: readonly ProbeSetPlan[],
  found: ReadonlyMap<string, Value>,
  sum: (set: ProbeSetPlan, of: (probe: string) => Value | null) => Value | null,
): ReadonlyMap<string, Value> {
  const all = new Map(found);
  for (const set of sets) {
    const value = sum(set, (probe) => found.get(probe) ?? null);
    if (value !== null) all.set(set.id, value);
  }
  return all;
}

/** Gives the verdicts of single probes that follow from those on sets; a probe that one set finds well is well. */
export function memberVerdicts(
  sets: readonly ProbeSetPlan[],
  verdicts: ReadonlyMap<string, boolean>,
): ReadonlyMap<string, boolean> {
  const all = new Map(verdicts);
  for (const { id, probes } of sets) {
    const isUp = verdicts.get(id);
    if (isUp === undefined) continue;
    for (const probe of probes) all.set(probe, isUp || all.get(probe) === true);
  }
  return all;
}

/** Finds sets by their id, and by the probes that are in them. */
export class ProbeSets {
  readonly #byId: ReadonlyMap<string, ProbeSetPlan>;
  readonly #byProbe = new Map<string, ProbeSetPlan[]>();

  constructor(sets: readonly ProbeSetPlan[]) {
    this.#byId = new Map(sets.map((set) => [set.id, set]));
    for (const set of sets) {
      for (const probe of set.probes) {
        const known = this.#byProbe.get(probe);
        if (known === undefined) this.#byProbe.set(probe, [set]);
        else known.push(set);
      }
    }
  }

  /** Gives the set of this id; null if there is none. */
  get(id: string): ProbeSetPlan | null {
    return this.#byId.get(id) ?? null;
  }

  /** Gives the sets that a probe is in. */
  with(probe: string): readonly ProbeSetPlan[] {
    return this.#byProbe.get(probe) ?? [];
  }
}
