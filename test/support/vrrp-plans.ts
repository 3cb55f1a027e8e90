import { familyOf, virtualLinkLocal } from "../../src/base/address.ts";
import type { VrrpInstancePlan, VrrpPlan } from "../../src/config/node-plan.ts";

/** What a test says about an instance; the rest are the defaults of the configuration. */
export type InstanceWish = Partial<Omit<VrrpInstancePlan, "addresses">> & { readonly vip?: string };

/** Makes the plan of one instance: version 3, 1 s, priority 100, one address on eth0; of IPv6 with its link-local one. */
export function instancePlan(wish: InstanceWish = {}): VrrpInstancePlan {
  const { vip = "192.0.2.100", ...rest } = wish;
  const plan = {
    name: "public-1",
    interface: "eth0",
    family: familyOf(vip),
    virtualMac: null,
    version: 3,
    vrid: 51,
    priority: 100,
    advertIntervalMs: 1000,
    downAfter: 3,
    preempts: true,
    preemptDelayMs: 0,
    startupDelayMs: 0,
    skipsAddressCheck: false,
    accepts: true,
    isStrict: false,
    group: familyOf(vip) === 4 ? "224.0.0.18" : "ff02::12",
    unicast: null,
    peers: [],
    heartbeats: [],
    source: null,
    password: null,
    hmac: null,
    checksum: "pseudo-header",
    garp: { burst: 5, repeatDelayMs: 5000, refreshMs: null, refreshCount: 1, intervalMs: 0 },
    tracks: [],
    notify: null,
    needsProxy: false,
    neighbours: [],
    extraAddresses: [],
    routes: [],
    rules: [],
    rivals: [],
    ...rest,
  } as const;
  // With a virtual MAC an address stands alone on the interface that has it.
  const { interface: below, virtualMac, vrid } = plan;
  const on = virtualMac ?? below;
  const common = { interface: on, label: null, detectsDuplicates: false, scope: "global" } as const;
  if (familyOf(vip) === 4)
    return { ...plan, addresses: [{ address: vip, length: virtualMac === null ? 24 : 32, ...common }] };
  const first = { address: virtualLinkLocal(vrid), length: 64, ...common };
  return { ...plan, addresses: [first, { address: vip, length: virtualMac === null ? 64 : 128, ...common }] };
}

/** Makes a whole plan of instances alone, or with more. */
export function vrrpPlan(instances: readonly VrrpInstancePlan[], more: Partial<VrrpPlan> = {}): VrrpPlan {
  return { instances, syncGroups: [], drainTimeoutMs: 0, tracks: [], bfd: [], notify: null, ...more };
}
