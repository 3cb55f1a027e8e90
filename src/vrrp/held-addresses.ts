import type { VipAddressPlan, VrrpInstancePlan } from "../config/node-plan.ts";

/** PURE: gives every address that a virtual router holds while active, the advertised ones first. */
export function heldAddresses({
  addresses,
  extraAddresses,
}: Pick<VrrpInstancePlan, "addresses" | "extraAddresses">): readonly VipAddressPlan[] {
  return [...addresses, ...extraAddresses];
}
