import { errorAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";
import type { ClusterEntry } from "../schema/cluster.ts";
import type { VipEntry, VrrpEntry } from "../schema/vrrp.ts";
import type { Element } from "../sections.ts";

/** When a node takes an address, when it does not, and how it says so: keys that contradict each other within one table, or with what it inherits. */
export function policyRules({ sections }: Model): readonly Finding[] {
  const { cluster, vips, vrrps } = sections;
  const common = cluster === null ? [] : policyFindings(cluster, cluster.value.preempt);
  const preempts = cluster?.value.preempt ?? true;
  return [
    ...common,
    ...[...vips, ...vrrps].flatMap((one) => policyFindings(one, one.value.preempt ?? preempts)),
    ...[...(cluster === null ? [] : [cluster]), ...vips, ...vrrps].flatMap(garpFindings),
  ];
}

type Table = Element<ClusterEntry | VipEntry | VrrpEntry>;

function garpFindings({ value: { garp }, path }: Table): readonly Finding[] {
  if (garp === null || garp.refresh !== null || garp.refresh_count === null) return [];
  const what = "means something with refresh only";
  return [errorAt([...path, "garp", "refresh_count"], what, 'remove it, or write refresh = "60s"')];
}

function policyFindings({ value, path }: Table, preempts: boolean): readonly Finding[] {
  if (preempts || (value.preempt_delay ?? 0) === 0) return [];
  const what = "delays what preempt = false forbids: a node that comes back never preempts";
  return [errorAt([...path, "preempt_delay"], what, "remove it, or write preempt = true")];
}
