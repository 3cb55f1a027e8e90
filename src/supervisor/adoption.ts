import type { VrrpPlan } from "../config/node-plan.ts";

/**
 * PURE: which instances a new `vrrp` process may take over in place from one that was killed: the active ones, as
 * long as no other node can have claimed the address in the meantime (RFC 9568 §6.1: Active_Down_Interval, which is
 * three intervals unless the file says otherwise, without the skew). A sign of life comes every second, so that much
 * silence proves nothing.
 */
export function adoptable(plan: VrrpPlan, active: readonly string[], silentForMs: number): string[] {
  const held = new Set(active);
  return plan.instances
    .filter(
      ({ name, advertIntervalMs, downAfter }) =>
        held.has(name) && silentForMs < downAfter * advertIntervalMs + 1_000,
    )
    .map(({ name }) => name);
}
