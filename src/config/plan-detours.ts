import type { DetourPlan, ProbePlan } from "./check-plan.ts";

/** A number that nobody else is likely to mark packets with, and room for a virtual address each after it. */
const firstMark = 0xed6a_0000;

const mostMarks = 0x1_0000;

/** An address keeps its mark when others come and go: checks that are under way over a reload go where they went. */
function marksFor(vips: readonly string[]): ReadonlyMap<string, number> {
  const taken = new Set<number>();
  return new Map(
    vips.map((vip) => {
      let place = Array.from(vip).reduce(
        (hash, character) => (hash * 31 + character.charCodeAt(0)) % mostMarks,
        0,
      );
      while (taken.has(place)) place = (place + 1) % mostMarks;
      taken.add(place);
      return [vip, firstMark + place] as const;
    }),
  );
}

/** Gives probes with the marks that lead them to virtual addresses, and what is to be done with each mark. */
export function planDetours(probes: readonly ProbePlan[]): {
  readonly probes: readonly ProbePlan[];
  readonly detours: readonly DetourPlan[];
} {
  const servers = new Map<string, Set<string>>();
  for (const { vip, target } of probes) {
    if (vip === null) continue;
    const known = servers.get(vip) ?? new Set();
    servers.set(vip, known.add(target.address));
  }
  const marks = marksFor([...servers.keys()]);
  const detours = [...servers].map(([vip, behind]) => ({
    vip,
    mark: marks.get(vip) ?? firstMark,
    servers: [...behind],
  }));
  if (detours.length === 0) return { probes, detours };
  const marked = probes.map((probe): ProbePlan => {
    const mark = probe.vip === null ? undefined : marks.get(probe.vip);
    return mark === undefined ? probe : { ...probe, mark };
  });
  return { probes: marked, detours };
}
