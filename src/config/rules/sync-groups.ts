import type { InstanceConfig } from "../config.ts";
import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model, Resolved } from "../model.ts";
import { quoted } from "../suggestion.ts";

/** Members of a sync group are in one group only and can be at one place together. */
export function syncGroupRules(model: Model): readonly Finding[] {
  return [...memberships(model), ...model.sections.syncGroups.flatMap((group) => togetherness(group, model))];
}

function memberships(model: Model): readonly Finding[] {
  const first = new Map<string, string>();
  return model.sections.syncGroups.flatMap(({ value, path }) =>
    value.vips.flatMap((name, index) => {
      const earlier = first.get(name);
      if (earlier === undefined) first.set(name, value.name);
      if (earlier === undefined || earlier === value.name) return [];
      const what = `"${name}" is already in [[sync_group]] "${earlier}"`;
      return [
        errorAt([...path, "vips", index], what, "remove it from one of them, or make the two groups one"),
      ];
    }),
  );
}

function togetherness(
  { value, path }: Model["sections"]["syncGroups"][number],
  model: Model,
): readonly Finding[] {
  if (new Set(value.vips).size === 1) {
    const what = "has a single member, which moves as it would without a group";
    return [warningAt([...path, "vips"], what, "add the others that move with it, or remove the group")];
  }
  const members = value.vips.flatMap((name, index) => {
    const found = model.instances.find(({ config }) => config.name === name);
    return found === undefined ? [] : [{ found, index }];
  });
  const [leader, ...others] = members;
  if (leader === undefined) return [];
  const order = preference(leader.found);
  return others.flatMap(({ found, index }) => {
    const own = preference(found);
    if (own.join(" ") === order.join(" ") || own.length === 0 || order.length === 0)
      return preemption(leader.found, found, [...path, "vips", index]);
    const what =
      own[0] === order[0]
        ? `"${found.config.name}" prefers ${quoted(own)}, but "${leader.found.config.name}" ${quoted(order)}: they cannot move together`
        : `"${found.config.name}" belongs on "${own[0]}" first, but "${leader.found.config.name}" on "${order[0]}": they cannot move together`;
    return [
      errorAt([...path, "vips", index], what, "give all members the same order of nodes, or make two groups"),
    ];
  });
}

/** The nodes of a router, highest priority first. */
function preference(resolved: Resolved): readonly string[] {
  return [...resolved.config.members].sort((a, b) => b.priority - a.priority).map(({ node }) => node);
}

/** What the members of a group have to agree on, as on return of a node one would move and the other stay. */
const policyKeys = [
  ["preempt", ({ preempts }: InstanceConfig) => preempts],
  ["preempt_delay", ({ preemptDelayMs }: InstanceConfig) => preemptDelayMs],
  ["startup_delay", ({ startupDelayMs }: InstanceConfig) => startupDelayMs],
] as const;

function preemption(leader: Resolved, other: Resolved, path: KeyPath): readonly Finding[] {
  return policyKeys
    .filter(([, valueOf]) => valueOf(leader.config) !== valueOf(other.config))
    .map(([key]) => {
      const what = `"${other.config.name}" and "${leader.config.name}" differ in ${key}`;
      return errorAt(
        path,
        `${what}: on return of a node one would move and the other stay`,
        `write the same ${key} in both`,
      );
    });
}
