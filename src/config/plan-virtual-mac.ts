import { familyOf, isLinkLocal, type Prefix } from "../base/address.ts";
import type { Config, InstanceConfig, MemberConfig } from "./config.ts";
import { fullLength, sharesNetwork } from "./members.ts";
import { virtualMacLinkName } from "./virtual-mac.ts";

/** Gives the name of the interface with a router's virtual MAC on a node, or null if it has none. */
export function virtualMacLink(instance: InstanceConfig, member: MemberConfig): string | null {
  const { virtualMac, vrid } = instance;
  if (typeof virtualMac === "string") return virtualMac;
  if (!virtualMac) return null;
  return virtualMacLinkName(instance.family, vrid, member.interface);
}

/**
 * Gives where an address of a router lives on a node, and with what prefix. On an interface with the virtual MAC it
 * stands alone, without the network around it: the route there, and what the host sends by itself, stay with the
 * interface below. Only where that one has no address in the network does the virtual one bring the route; and the
 * network of link-local addresses is every interface's own.
 */
export function placedAddress(
  nodes: Config["nodes"],
  { instance, member }: { readonly instance: InstanceConfig; readonly member: MemberConfig },
  vip: Prefix,
): Prefix & { readonly interface: string } {
  const link = virtualMacLink(instance, member);
  if (link === null) return { ...vip, interface: member.interface };
  const node = nodes.find(({ name }) => name === member.node);
  const own = node?.addresses.filter((one) => one.interface === member.interface) ?? [];
  const isElsewhere = own.some(
    (one) => familyOf(one.address) === familyOf(vip.address) && sharesNetwork(one, vip),
  );
  const standsAlone = isElsewhere && !isLinkLocal6(vip.address);
  return { address: vip.address, length: standsAlone ? fullLength(vip) : vip.length, interface: link };
}

function isLinkLocal6(address: string): boolean {
  return familyOf(address) === 6 && isLinkLocal(address);
}
