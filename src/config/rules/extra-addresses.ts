import { familyOf, isLinkLocal } from "../../base/address.ts";
import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import { calledVip, planningConfig, type Model, type Resolved } from "../model.ts";
import { advertisedAddressPlans, extraAddressPlans } from "../plan-holdings.ts";
import type { ExtraAddressEntry } from "../schema/holdings.ts";
import { addressAtEdge } from "./addresses.ts";

/** Extra addresses: none twice, none that a node has of its own, and nothing said that the family does not have. */
export function extraAddressRules(model: Model): readonly Finding[] {
  const twice = twiceTheSame(model);
  return model.instances.flatMap((resolved) =>
    resolved.config.extraAddresses.flatMap((extra, index) => {
      const path = [...resolved.path, "extra_addresses", index];
      const own = ownerFinding(extra.address.address, path, model);
      const edge = addressAtEdge(extra.address);
      return [
        ...(twice.get(path.join()) ?? own),
        ...(edge === null
          ? []
          : [errorAt(path, edge, "write an address of a host in it, or correct the prefix")]),
        ...foreignToIpv6(extra, path),
      ];
    }),
  );
}

/** Gives what is wrong with each that is there already, by its place. */
function twiceTheSame(model: Model): ReadonlyMap<string, readonly Finding[]> {
  const findings = new Map<string, readonly Finding[]>();
  const first = new Map<string, { readonly resolved: Resolved; readonly path: KeyPath }>();
  for (const resolved of model.instances) {
    for (const key of keysOf(resolved, model, advertisedAddressPlans).flat())
      first.set(key, { resolved, path: resolved.path });
  }
  for (const resolved of model.instances) {
    for (const [index, keys] of keysOf(resolved, model, extraAddressPlans).entries()) {
      const path = [...resolved.path, "extra_addresses", index];
      const earlier = keys.map((key) => first.get(key)).find((one) => one !== undefined);
      for (const key of keys) if (!first.has(key)) first.set(key, { resolved, path });
      if (earlier === undefined) continue;
      const { address } = resolved.config.extraAddresses[index]?.address ?? { address: "" };
      const what = `${address} is already an address of ${calledVip(earlier.resolved)} in line ${model.line(earlier.path)}`;
      findings.set(path.join(), [errorAt(path, what, "remove it here or there")]);
    }
  }
  return findings;
}

/** Gives what each address of a router may be only once: the address; of a link-local one that on each interface. */
function keysOf(
  { config }: Resolved,
  model: Model,
  plansOf: typeof extraAddressPlans,
): readonly (readonly string[])[] {
  const { nodes } = planningConfig(model);
  const byMember = config.members.map((member) => ({ member, plans: plansOf(nodes, config, member) }));
  const count = byMember[0]?.plans.length ?? 0;
  return Array.from({ length: count }, (_, index) =>
    byMember.flatMap(({ member: { node }, plans }) => {
      const plan = plans[index];
      if (plan === undefined) return [];
      const isOneForAll = familyOf(plan.address) === 4 || !isLinkLocal(plan.address);
      return isOneForAll ? [plan.address] : [`${plan.address} ${node} ${plan.interface}`];
    }),
  );
}

function ownerFinding(address: string, path: KeyPath, model: Model): readonly Finding[] {
  const owner = model.sections.nodes.find(({ value }) =>
    Object.values(value.address).some((list) => list.some((own) => own.address === address)),
  );
  if (owner === undefined) return [];
  const what = `${address} is the own address of [[node]] "${owner.value.name}", which would keep it when it should move`;
  return [errorAt(path, what, "take an address that no host has of its own")];
}

function foreignToIpv6(
  { address: { address }, label, scope }: ExtraAddressEntry,
  path: KeyPath,
): readonly Finding[] {
  if (familyOf(address) === 4) return [];
  return [
    ...(label === null ? [] : [errorAt([...path, "label"], "IPv6 addresses have no label", "remove it")]),
    ...(scope === null
      ? []
      : [errorAt([...path, "scope"], "an IPv6 address has its scope in itself", "remove it")]),
  ];
}
