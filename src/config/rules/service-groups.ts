import { errorAt, warningAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";

/** What an address group says for itself. */
export function addressGroupRules(model: Model): readonly Finding[] {
  const example = model.declared.vip[0] ?? "public-1";
  return model.sections.addressGroups.flatMap(({ value, path }) => {
    if (value.vips.length > 0 || value.addresses.length > 0) return [];
    return [
      errorAt([...path, "vips"], "the group has no address", `write vips = ["${example}"], or addresses`),
    ];
  });
}

/** Groups that no service names; for a file whose every table can be read. */
export function idleGroups({ sections }: Model): readonly Finding[] {
  const named = {
    address_groups: new Set(sections.services.flatMap(({ value }) => value.address_groups)),
    server_groups: new Set(sections.services.flatMap(({ value }) => value.server_groups)),
  };
  const groups = [
    ...sections.addressGroups.map((group) => ({ ...group, key: "address_groups" as const })),
    ...sections.serverGroups.map((group) => ({ ...group, key: "server_groups" as const })),
  ];
  return groups.flatMap(({ path, value: { name }, key }) => {
    if (named[key].has(name)) return [];
    return [
      warningAt(path, "no [[service]] names it", `remove it, or write ${key} = ["${name}"] in a [[service]]`),
    ];
  });
}
