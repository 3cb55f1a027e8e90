import { errorAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";
import type { VipEntry, VrrpEntry } from "../schema/vrrp.ts";
import type { Element } from "../sections.ts";

/** Keys about how advertisements travel that do not go together. */
export function transportRules(model: Model): readonly Finding[] {
  const above = model.sections.cluster?.value.peers ?? "multicast";
  return [...model.sections.vips, ...model.sections.vrrps].flatMap((element) =>
    contradictions(element, above),
  );
}

function contradictions(
  { value, path }: Element<VipEntry | VrrpEntry>,
  above: "multicast" | "unicast",
): readonly Finding[] {
  const findings: Finding[] = [];
  const isUnicast = (value.peers ?? above) !== "multicast";
  for (const key of ["group", "group6"] as const) {
    if (!isUnicast || value[key] === null) continue;
    const what = "advertisements go to each of the peers, and to no group";
    findings.push(errorAt([...path, key], what, 'remove it, or write peers = "multicast"'));
  }
  for (const key of ["unicast_ttl", "check_source"] as const) {
    if (isUnicast || value[key] === null) continue;
    const what = "it concerns unicast peers, and this router speaks by multicast";
    findings.push(errorAt([...path, key], what, 'remove it, or write peers = "unicast"'));
  }
  return findings;
}
