import { isLinkLocal } from "../base/address.ts";
import type { VipAddressPlan, VrrpInstancePlan, VrrpPlan } from "../config/node-plan.ts";
import { routeText, ruleText } from "../config/route-text.ts";
import { heldAddresses } from "./held-addresses.ts";

/** What a new plan changes: PURE. */

/** The instances of two plans, sorted by what has to happen to them. */
export interface PlanDifference {
  readonly removed: readonly VrrpInstancePlan[];
  readonly added: readonly VrrpInstancePlan[];
  /** The new form of instances that go on with other settings. */
  readonly changed: readonly VrrpInstancePlan[];
}

/** Names the virtual router of an instance: a renamed or otherwise changed instance goes on as long as this stays. */
export function routerKey(plan: Pick<VrrpInstancePlan, "interface" | "family" | "vrid">): string {
  return `${plan.interface} IPv${plan.family} ${plan.vrid}`;
}

/** Compares two plans; what is in none of the three lists is unchanged. */
export function planDifference(
  before: readonly VrrpInstancePlan[],
  after: readonly VrrpInstancePlan[],
): PlanDifference {
  const old = new Map(before.map((plan) => [routerKey(plan), JSON.stringify(plan)]));
  const kept = new Set(after.map(routerKey));
  return {
    removed: before.filter((plan) => !kept.has(routerKey(plan))),
    added: after.filter((plan) => !old.has(routerKey(plan))),
    changed: after.filter((plan) => {
      const text = old.get(routerKey(plan));
      return text !== undefined && text !== JSON.stringify(plan);
    }),
  };
}

/** Tells whether a new plan needs what an instance that is not in it holds: its number, an address, a route or a rule. */
export function isInTheWay(old: VrrpInstancePlan, next: Pick<VrrpPlan, "instances">): boolean {
  const held = new Set(holdings(old));
  return next.instances.some((plan) => holdings(plan).some((one) => held.has(one)));
}

function holdings(plan: VrrpInstancePlan): readonly string[] {
  return [
    routerKey(plan),
    ...heldAddresses(plan).map(addressText),
    ...plan.routes.map(routeText),
    ...plan.rules.map(ruleText),
  ];
}

/** A link-local address is another one on another interface. */
function addressText({ address, interface: on }: VipAddressPlan): string {
  return isLinkLocal(address) ? `${address} ${on}` : address;
}
