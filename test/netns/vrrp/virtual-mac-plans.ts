import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import type { Host } from "../../support/lab.ts";
import { instancePlan, vrrpPlan, type InstanceWish } from "../../support/vrrp-plans.ts";

/** The interface with the virtual MAC of the plans here, and that MAC. */
export const macLink = "vrrp4-51-eth0";
export const mac = "00:00:5e:00:01:33";

/** A router with a virtual MAC: version 3, 100 ms. */
export function macPlan(wish: InstanceWish = {}): VrrpPlan {
  return vrrpPlan([instancePlan({ advertIntervalMs: 100, virtualMac: macLink, ...wish })]);
}

/** Pings from a host and tells how many answers came back. */
export async function answersTo(from: Host, address: string, count = 5): Promise<number> {
  const { stdout } = await from.run(["ping", "-n", "-c", `${count}`, "-i", "0.02", "-W", "1", address]);
  return Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
}

/** Gives the MAC that a host has learned for an address; null while it has none. */
export async function learned(host: Host, address: string): Promise<string | null> {
  return /lladdr (\S+)/.exec(await host.ip(["neigh", "show", address]))?.[1] ?? null;
}

/** Reads a setting of the interface eth0 of a host. */
export async function settingOf(host: Host, key: string): Promise<string> {
  return (await host.run(["cat", `/proc/sys/net/ipv4/conf/eth0/${key}`])).stdout.trim();
}

/** Tells whether an interface is there, and up. */
export async function linkState(host: Host, name: string): Promise<"gone" | "down" | "up"> {
  const { stdout, exitCode } = await host.run(["ip", "-o", "link", "show", name]);
  if (exitCode !== 0) return "gone";
  return /<[^>]*\bUP\b/.test(stdout) ? "up" : "down";
}

/** The same over IPv6, where the router's first address is made of its MAC. */
export const over6 = {
  vip: "2001:db8::100",
  linkLocal: "fe80::200:5eff:fe00:233",
  link: "vrrp6-51-eth0",
  mac: "00:00:5e:00:02:33",
} as const;
