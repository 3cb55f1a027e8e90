import type { VipAddressPlan, VrrpInstancePlan } from "../config/node-plan.ts";

/** PURE: gives every address that a virtual router holds while active, the advertised ones first. */
export function heldAddresses({
  addresses,
  extraAddresses,
}: Pick<VrrpInstancePlan, "addresses" | "extraAddresses">): readonly VipAddressPlan[] {
  return [...addresses, ...extraAddresses];
}

/** PURE: names an address with its place, as no two that a node holds are named. */
export function heldText({ address, length, interface: on }: VipAddressPlan): string {
  return `${address}/${length} on ${on}`;
}
