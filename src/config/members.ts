import { familyOf, prefixContains, type Prefix } from "../base/address.ts";
import type { MemberConfig } from "./config.ts";
import { routerFamily } from "./families.ts";
import { errorAt, type Finding, type KeyPath } from "./finding.ts";
import { unknownName, type DeclaredNames } from "./model.ts";
import type { NodeEntry } from "./schema/cluster.ts";
import { type PerNode, perNodeValue } from "./schema/per-node.ts";
import type { VipEntry, VrrpEntry } from "./schema/vrrp.ts";
import type { Element } from "./sections.ts";
import { quoted } from "./suggestion.ts";

/** Which nodes take part in a virtual router, on which interface, with what priority and source. */

/** What derivation looks at, and what it finds wrong. */
export interface Surroundings {
  readonly nodes: ReadonlyMap<string, NodeEntry>;
  readonly declared: DeclaredNames;
  readonly findings: Finding[];
}

/** A node's part in a virtual router, before the others of it are looked at. */
export type Participant = Omit<MemberConfig, "peers" | "heartbeats">;

const highestPriority = 254;
const widestGap = 4;

/**
 * Gives the difference between the priorities of two neighbours in a list of preference: 4, or less where many nodes
 * share an address, so that a track of weight -10 takes the first node behind the last.
 */
export function priorityGap(nodes: number): number {
  return Math.max(1, Math.min(widestGap, Math.floor(9 / Math.max(1, nodes - 1))));
}

/** Gives a VIP's members in its order of preference. */
export function vipMembers(vip: Element<VipEntry>, around: Surroundings): readonly Participant[] {
  const { prefer, interface: given, address } = vip.value;
  const gap = priorityGap(prefer.length);
  refuseStrangers(given, { path: [...vip.path, "interface"], known: prefer }, around);
  return prefer.flatMap((name, index) => {
    const path = [...vip.path, "prefer", index];
    const node = findNode(name, path, around);
    if (node === null) return [];
    if (prefer.indexOf(name) < index) {
      around.findings.push(errorAt(path, `"${name}" is already in the list`, "remove it here"));
      return [];
    }
    const on =
      given === null
        ? derivedInterface(node, address, vip.path, around)
        : ownInterface(node, perNodeValue(given, name), [...vip.path, "interface"], around);
    if (on === null) return [];
    const priority = Math.max(1, highestPriority - index * gap);
    return [{ node: name, interface: on, priority, source: usualSource(node, on, vip.value) }];
  });
}

/** Gives the members of a router that is spelled out, in the order of the nodes. */
export function vrrpMembers(vrrp: Element<VrrpEntry>, around: Surroundings): readonly Participant[] {
  const { value, path } = vrrp;
  const taking = takingPart(vrrp, around);
  const known = taking.map(([name]) => name);
  refuseStrangers(value.interface, { path: [...path, "interface"], known }, around);
  refuseStrangers(value.source, { path: [...path, "source"], known }, around);
  return taking.flatMap(([name, priority]) => {
    const node = around.nodes.get(name);
    if (node === undefined) return [];
    const on = ownInterface(node, perNodeValue(value.interface, name), [...path, "interface"], around);
    if (on === null) return [];
    const source = value.source === null ? null : perNodeValue(value.source, name);
    // Over IPv6 it depends on whom the router speaks to: sources-ipv6.ts.
    if (routerFamily(value) === 4) checkSource(node, { on, source, path: [...path, "source"] }, around);
    return [{ node: name, interface: on, priority, source: source ?? usualSource(node, on, value) }];
  });
}

/** A priority for each node says who takes part; one priority for all holds for `nodes`, or for every node. */
function takingPart(vrrp: Element<VrrpEntry>, around: Surroundings): readonly (readonly [string, number])[] {
  const { priority, nodes } = vrrp.value;
  const listed = (nodes ?? []).flatMap((name, index) =>
    findNode(name, [...vrrp.path, "nodes", index], around) === null ? [] : [name],
  );
  if (typeof priority === "number") {
    const names = nodes === null ? [...around.nodes.keys()] : [...new Set(listed)];
    return names.map((name) => [name, priority] as const);
  }
  for (const name of listed.filter((name) => !Object.hasOwn(priority, name))) {
    around.findings.push(
      errorAt(
        [...vrrp.path, "priority"],
        `gives no priority for "${name}", which nodes lists`,
        `write priority = { ${name} = 100, … }`,
      ),
    );
  }
  return Object.entries(priority).filter(([name]) => {
    const path = [...vrrp.path, "priority", name];
    if (findNode(name, path, around) === null) return false;
    if (nodes !== null && !nodes.includes(name)) {
      around.findings.push(
        errorAt(path, `"${name}" is not among this router's nodes`, "add it to nodes, or leave nodes out"),
      );
      return false;
    }
    return true;
  });
}

function findNode(name: string, path: KeyPath, around: Surroundings): NodeEntry | null {
  const node = around.nodes.get(name);
  if (node !== undefined) return node;
  if (!around.declared.node.includes(name))
    around.findings.push(unknownName(path, name, "node", around.declared.node));
  return null;
}

/** Refuses keys of a table per node that are no nodes of this router, or of what else `of` says. */
export function refuseStrangers(
  value: PerNode<unknown>,
  at: { readonly path: KeyPath; readonly known: readonly string[]; readonly of?: string },
  around: Surroundings,
): void {
  if (typeof value !== "object" || value === null) return;
  for (const name of Object.keys(value)) {
    if (at.known.includes(name)) continue;
    const path = [...at.path, name];
    const finding = around.declared.node.includes(name)
      ? errorAt(
          path,
          `"${name}" takes no part in this ${at.of ?? "router"}`,
          "remove it, or let the node take part",
        )
      : unknownName(path, name, "node", around.declared.node);
    around.findings.push({ ...finding, pointsAtKey: true });
  }
}

/** Takes an interface that the file names, which must be one that the node has an address on. */
export function ownInterface(
  node: NodeEntry,
  name: string | null,
  path: KeyPath,
  around: Surroundings,
): string | null {
  const own = Object.keys(node.address);
  if (name === null) {
    around.findings.push(
      errorAt(path, `names no interface for "${node.name}"`, `add ${node.name} = "${own[0] ?? "eth1"}"`),
    );
    return null;
  }
  if (own.includes(name)) return name;
  const what = `"${name}" is not among the interfaces of [[node]] "${node.name}"`;
  around.findings.push(
    errorAt(path, what, `use one of ${quoted(own)}, or add ${name} with its address to [node.address]`),
  );
  return null;
}

/** Without `interface`, the one whose own address is in the VIP's network. */
function derivedInterface(node: NodeEntry, vip: Prefix, path: KeyPath, around: Surroundings): string | null {
  const near = Object.entries(node.address).filter(([, addresses]) =>
    addresses.some((own) => sharesNetwork(own, vip)),
  );
  const [first, second] = near;
  if (first !== undefined && second === undefined) return first[0];
  const interfaces = near.map(([name]) => name);
  const what =
    first === undefined
      ? `no address of [[node]] "${node.name}" is in the network of ${vip.address}/${vip.length}`
      : `several interfaces of [[node]] "${node.name}" are in the network of ${vip.address}/${vip.length}: ${quoted(interfaces)}`;
  const remedy = `write interface = "${first?.[0] ?? Object.keys(node.address)[0] ?? "eth1"}"`;
  const full =
    vip.length === fullLength(vip)
      ? `${remedy}, or give the address its prefix, as in "${vip.address}/${familyOf(vip.address) === 4 ? 24 : 64}"`
      : remedy;
  around.findings.push(errorAt([...path, "interface"], what, full));
  return null;
}

/** Tells whether a node's own address and a VIP are in one network, by either's prefix. */
export function sharesNetwork(own: { address: string; prefixLength: number | null }, vip: Prefix): boolean {
  if (vip.length < fullLength(vip) && prefixContains(vip, own.address)) return true;
  return (
    own.prefixLength !== null &&
    prefixContains({ address: own.address, length: own.prefixLength }, vip.address)
  );
}

/** Gives the length of a prefix that is one address alone. */
export function fullLength({ address }: Pick<Prefix, "address">): 32 | 128 {
  return familyOf(address) === 4 ? 32 : 128;
}

/** IPv6 advertisements come from the link-local address, which a file need not know: the node finds it. */
function usualSource(node: NodeEntry, on: string, value: VipEntry | VrrpEntry): string | null {
  return routerFamily(value) === 4 ? firstIpv4(node, on) : null;
}

/** Gives the first IPv4 address of a node on an interface, or null. */
export function firstIpv4(node: NodeEntry, on: string): string | null {
  return node.address[on]?.find(({ address }) => familyOf(address) === 4)?.address ?? null;
}

/** Refuses a source that the file does not know as an address of the node on the interface. */
export function checkSource(
  node: NodeEntry,
  at: { readonly on: string; readonly source: string | null; readonly path: KeyPath },
  around: Surroundings,
): void {
  if (at.source === null) return;
  const own = (node.address[at.on] ?? []).map(({ address }) => address);
  if (own.includes(at.source)) return;
  const what = `${at.source} is no address of [[node]] "${node.name}" on ${at.on}: other routers would see a stranger`;
  around.findings.push(
    errorAt(at.path, what, `leave source out, or write source = { ${node.name} = "${own[0] ?? "…"}", … }`),
  );
}
