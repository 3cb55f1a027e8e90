import { familyOf, isLinkLocal } from "../base/address.ts";
import type { Config, InstanceConfig, MemberConfig } from "./config.ts";
import { sharesNetwork } from "./members.ts";
import type { VipAddressPlan } from "./node-plan.ts";
import { virtualMacLinkName } from "./virtual-mac.ts";

/** Gives the name of the interface with a router's virtual MAC on a node, or null if it has none. */
export function virtualMacLink(instance: InstanceConfig, member: MemberConfig): string | null {
  const { virtualMac, vrid } = instance;
  if (typeof virtualMac === "string") return virtualMac;
  if (!virtualMac) return null;
  return virtualMacLinkName(instance.family, vrid, member.interface);
}

function isLinkLocal6(address: string): boolean {
  return familyOf(address) === 6 && isLinkLocal(address);
}

/**
 * Gives a router's addresses and where they live on a node. On an interface with the virtual MAC an address stands
 * alone, without the network around it: the route there, and what the host sends by itself, stay with the interface
 * below. Only where that one has no address in the network does the virtual one bring the route; and the network of
 * link-local addresses is every interface's own.
 */
export function placedAddresses(
  config: Config,
  instance: InstanceConfig,
  member: MemberConfig,
): readonly VipAddressPlan[] {
  const link = virtualMacLink(instance, member);
  const node = config.nodes.find(({ name }) => name === member.node);
  const own = node?.addresses.filter((one) => one.interface === member.interface) ?? [];
  return instance.addresses.map((vip) => {
    const isElsewhere = own.some(
      (one) => familyOf(one.address) === familyOf(vip.address) && sharesNetwork(one, vip),
    );
    const full = familyOf(vip.address) === 4 ? 32 : 128;
    return {
      address: vip.address,
      length: link !== null && isElsewhere && !isLinkLocal6(vip.address) ? full : vip.length,
      interface: link ?? member.interface,
      label: instance.label,
      scope: "global",
      detectsDuplicates: instance.detectsDuplicates,
    };
  });
}
