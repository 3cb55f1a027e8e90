import type { VrrpInstancePlan } from "../config/node-plan.ts";
import { addressProtocol, type LeasedAddress } from "../kernel/rtnetlink.ts";

/**
 * PURE: how long the kernel keeps a virtual address that nobody renews. A daemon that is killed, hangs or is stopped in its
 * tracks cannot remove its addresses any more; the kernel does it, so that two hosts never answer for one address for
 * longer than this. And what is left of a lease tells the next process how long ago the last one was alive.
 */

/** The shortest lease; it outlives the start of a new process after a crash, back-off included. */
const shortestS = 5;

/** How often a lease is renewed at the least, beside its owner's advertisements. */
export const renewalMs = 1000;

/** Gives a lease in whole seconds: until every backup has claimed (so many intervals and a skew), and one more. */
export function leaseS({ advertIntervalMs, downAfter }: LeaseRules): number {
  return Math.max(shortestS, Math.ceil(((downAfter + 1) * advertIntervalMs) / 1000) + 1);
}

/** What a lease depends on. */
export type LeaseRules = Pick<VrrpInstancePlan, "advertIntervalMs" | "downAfter">;

/**
 * Tells whether an instance's addresses were renewed so recently that no backup can have claimed them since: then a new
 * process takes them over in place. Leases count whole seconds, so at intervals below a second the answer is no.
 */
export function wasHeldJustNow(plan: VrrpInstancePlan, leases: readonly LeasedAddress[]): boolean {
  const lifetimeS = leaseS(plan);
  return plan.addresses.every(({ address, length }) => {
    const found = leases.find((one) => one.address === address && one.prefixLength === length);
    if (found === undefined || found.remainingS === null || found.remainingS > lifetimeS) return false;
    // The kernel rounds the age down.
    const atMostMs = (lifetimeS - found.remainingS + 1) * 1000;
    // Routers that are not ours wait for three intervals.
    return atMostMs <= Math.min(plan.downAfter, 3) * plan.advertIntervalMs;
  });
}

/** Names the instances whose addresses a daemon that was killed has left, too recently for another node to have claimed them. */
export function namesHeldJustNow(
  plans: readonly VrrpInstancePlan[],
  leases: readonly LeasedAddress[],
): readonly string[] {
  const ours = leases.filter(({ protocol }) => protocol === addressProtocol.vrrp);
  if (ours.length === 0) return [];
  return plans.filter((plan) => wasHeldJustNow(plan, ours)).map(({ name }) => name);
}
