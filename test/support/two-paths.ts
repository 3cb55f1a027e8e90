import type { VrrpPlan } from "../../src/config/node-plan.ts";
import { instancePlan, type InstanceWish, vrrpPlan } from "./vrrp-plans.ts";

/**
 * The plans of a pair with a heartbeat, as a cluster's file makes them: lb1 at .10 with priority 200, lb2 at .11 with
 * 100, on 192.0.2.0/24 (eth0, with the virtual address) and 192.0.3.0/24 (eth1).
 */
export function pairPlans(
  wish: InstanceWish = {},
  heartbeats: "eth1" | "none" = "eth1",
): readonly [VrrpPlan, VrrpPlan] {
  const member = (own: number, other: number, peer: string, priority: number): VrrpPlan => {
    const identity = `192.0.2.${other}`;
    const eth1 = {
      interface: "eth1",
      source: `192.0.3.${own}`,
      peers: [{ name: peer, address: `192.0.3.${other}`, identity }],
    };
    const paths = {
      peers: [{ name: peer, address: identity }],
      heartbeats: heartbeats === "none" ? [] : [eth1],
    };
    return vrrpPlan([instancePlan({ source: `192.0.2.${own}`, priority, ...paths, ...wish })]);
  };
  return [member(10, 11, "lb2", 200), member(11, 10, "lb1", 100)];
}

/** Unicast as a file without further words means it. */
export const plainUnicast = { unicast: { ttl: null, checksSource: true } } as const;
