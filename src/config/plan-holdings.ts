import { familyOf, prefixContains, type Family, type Prefix } from "../base/address.ts";
import type { Config, InstanceConfig, MemberConfig } from "./config.ts";
import type { VipAddressPlan, VirtualRoutePlan, VirtualRulePlan } from "./node-plan.ts";
import type { VirtualRouteEntry } from "./schema/holdings.ts";
import { placedAddress } from "./plan-virtual-mac.ts";
import { perNodeValue } from "./schema/per-node.ts";

/** What one node has of a virtual router while it is active: on which interfaces, in which families. */

/** Gives the addresses that a member advertises. */
export function advertisedAddressPlans(
  nodes: Config["nodes"],
  instance: InstanceConfig,
  member: MemberConfig,
): readonly VipAddressPlan[] {
  return instance.addresses.map((vip) => ({
    ...placedAddress(nodes, { instance, member }, vip),
    ...manner(instance, vip),
  }));
}

/** Gives the extra addresses of a member. */
export function extraAddressPlans(
  nodes: Config["nodes"],
  instance: InstanceConfig,
  member: MemberConfig,
): readonly VipAddressPlan[] {
  return instance.extraAddresses.map((extra) => {
    const given = interfaceGiven(extra.interface, member);
    const place =
      given === null
        ? placedAddress(nodes, { instance, member }, extra.address)
        : { ...extra.address, interface: given };
    const { label, scope, detectsDuplicates } = manner(instance, extra.address);
    return { ...place, label: extra.label ?? label, scope: extra.scope ?? scope, detectsDuplicates };
  });
}

/** Label and scope are of IPv4: an IPv6 address has its scope in itself (RFC 4007). */
function manner(
  { label, scope, detectsDuplicates }: InstanceConfig,
  { address }: Prefix,
): Pick<VipAddressPlan, "label" | "scope" | "detectsDuplicates"> {
  return familyOf(address) === 4
    ? { label, scope, detectsDuplicates: false }
    : { label: null, scope: "global", detectsDuplicates };
}

/** Gives the routes of a member. */
export function routePlans(
  config: Pick<Config, "nodes" | "instances">,
  instance: InstanceConfig,
  member: MemberConfig,
): readonly VirtualRoutePlan[] {
  return instance.routes.map((route) => {
    const { type, via, source, table } = route;
    const destination = destinationOf(route);
    return {
      destination,
      type,
      via,
      interface: type === "unicast" ? routeInterface(config, route, member) : null,
      source,
      // Where none is given, the kernel makes this of an IPv6 route's.
      metric: route.metric ?? (familyOf(destination.address) === 6 ? 1024 : 0),
      table,
      isOnLink: route.on_link,
    };
  });
}

/** Gives the rules of a virtual router. */
export function rulePlans(instance: InstanceConfig): readonly VirtualRulePlan[] {
  return instance.rules.map((rule) => {
    const { priority, from, to, iif, oif, mark, type, table } = rule;
    return {
      family: ruleFamily(rule, instance),
      priority,
      from: from?.length === 0 ? null : from,
      to: to?.length === 0 ? null : to,
      inputInterface: iif,
      outputInterface: oif,
      mark,
      // A rule refuses one without a table.
      action: type === "table" ? { kind: type, table: table ?? 254 } : { kind: type },
    };
  });
}

/** Gives the network a route leads to; a default route is of its gateway's family, or else IPv4. */
export function destinationOf({ destination, via, source }: VirtualRouteEntry): Prefix {
  if (destination !== "default") return destination;
  return { address: familyOf(via ?? source ?? "0.0.0.0") === 6 ? "::" : "0.0.0.0", length: 0 };
}

/** Gives the family of a rule: its addresses', what it says, or that of its virtual router. */
export function ruleFamily(
  { from, to, family }: InstanceConfig["rules"][number],
  { addresses }: Pick<InstanceConfig, "addresses">,
): Family {
  const address = from?.address ?? to?.address;
  if (address !== undefined) return familyOf(address);
  return family ?? familyOf(addresses[0]?.address ?? "0.0.0.0");
}

/** Gives the networks that are known to be on an interface of a node: its own addresses', and virtual ones'. */
export function networksOn(
  config: Pick<Config, "nodes" | "instances">,
  node: string,
): readonly { readonly interface: string; readonly network: Prefix }[] {
  const own = config.nodes.find(({ name }) => name === node)?.addresses ?? [];
  const virtual = config.instances.flatMap((instance) => {
    const member = instance.members.find((one) => one.node === node);
    if (member === undefined) return [];
    return [
      ...advertisedAddressPlans(config.nodes, instance, member),
      ...extraAddressPlans(config.nodes, instance, member),
    ].map(({ address, length, interface: on }) => ({ interface: on, network: { address, length } }));
  });
  const known = own.flatMap(({ interface: on, address, prefixLength }) =>
    prefixLength === null ? [] : [{ interface: on, network: { address, length: prefixLength } }],
  );
  return [...known, ...virtual];
}

/** The interface that is named, or that has the gateway's network, or else the router's own. */
function routeInterface(
  config: Pick<Config, "nodes" | "instances">,
  { interface: given, via }: VirtualRouteEntry,
  member: MemberConfig,
): string {
  const named = interfaceGiven(given, member);
  if (named !== null || via === null) return named ?? member.interface;
  const near = networksOn(config, member.node).filter(({ network }) => prefixContains(network, via));
  const isOnOwn = near.some((one) => one.interface === member.interface);
  return isOnOwn ? member.interface : (near[0]?.interface ?? member.interface);
}

function interfaceGiven(
  given: InstanceConfig["extraAddresses"][number]["interface"],
  { node }: MemberConfig,
): string | null {
  return given === null ? null : perNodeValue(given, node);
}
