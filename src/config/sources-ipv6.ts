import { familyOf, isLinkLocal } from "../base/address.ts";
import { errorAt, type KeyPath, report } from "./finding.ts";
import { checkSource, type Participant, type Surroundings } from "./members.ts";
import type { NodeEntry } from "./schema/cluster.ts";
import { perNodeValue } from "./schema/per-node.ts";
import type { PeersEntry } from "./schema/transport.ts";
import type { VipEntry, VrrpEntry } from "./schema/vrrp.ts";
import type { Element } from "./sections.ts";

/**
 * Where the advertisements of an IPv6 router come from. To a group they come from the interface's link-local address,
 * which a file need not know: the node finds it. Who is spoken to by name has to be in the file.
 */

/** What decides whether a router's own addresses have to be in the file. */
export interface Ipv6Paths {
  readonly router: Element<VipEntry | VrrpEntry>;
  /** Whom it speaks to, and where the file says so. */
  readonly peers: PeersEntry;
  readonly peersPath: KeyPath;
  /** Where the file names heartbeats, if this router has any beside its own interface; else null. */
  readonly heartbeatsPath: KeyPath | null;
}

/** Gives a node's IPv6 addresses on an interface, the link-local ones first. */
function ipv6On(node: NodeEntry | undefined, on: string): readonly string[] {
  const own = (node?.address[on] ?? []).map(({ address }) => address);
  const all = own.filter((address) => familyOf(address) === 6);
  return [...all.filter(isLinkLocal), ...all.filter((address) => !isLinkLocal(address))];
}

/** Gives the first IPv6 address of a node on an interface, a link-local one if it has any; or null. */
export function firstIpv6(node: NodeEntry | undefined, on: string): string | null {
  return ipv6On(node, on)[0] ?? null;
}

/** Gives the members their sources, as far as the file has to say them. */
export function withIpv6Sources(
  paths: Ipv6Paths,
  participants: readonly Participant[],
  around: Surroundings,
): readonly Participant[] {
  return participants.map((member) => {
    const isGiven = member.source !== null;
    const source = isGiven ? member.source : sourceOf(paths, member, { participants, around });
    if (isGiven) checkGiven(paths, member, around);
    return { ...member, source };
  });
}

function sourceOf(
  { peers, peersPath, heartbeatsPath }: Ipv6Paths,
  member: Participant,
  { participants, around }: { readonly participants: readonly Participant[]; readonly around: Surroundings },
): string | null {
  const { node: name, interface: on } = member;
  const own = ipv6On(around.nodes.get(name), on);
  const complain = (path: KeyPath, what: string, remedy: string): null => {
    report(around.findings, errorAt(path, `[[node]] "${name}" has no ${what}`, remedy));
    return null;
  };
  const linkLocal = (): string | null => {
    if (heartbeatsPath === null || participants.length < 2) return null;
    const remedy = `add it to ${on} in its [node.address], as in ${on} = ["fe80::10", …], or write heartbeats = []`;
    // On every path a node has to be known as the same router, or two of one priority would settle it differently.
    const what = `link-local address on "${on}", by which the others know it on heartbeats`;
    return own.find(isLinkLocal) ?? complain(heartbeatsPath, what, remedy);
  };
  if (peers === "multicast") return linkLocal();
  if (peers === "unicast") {
    if (participants.length < 2) return own[0] ?? null;
    const remedy = `add it to ${on} in its [node.address], or write peers = "multicast"`;
    return own[0] ?? complain(peersPath, `IPv6 address on "${on}", which its peers would speak to`, remedy);
  }
  const list = (perNodeValue(peers, name) ?? []).filter((address) => !own.includes(address));
  // The kernel's own link-local address does for link-local peers, and it is found where the node runs.
  if (list.every(isLinkLocal)) return own.find(isLinkLocal) ?? linkLocal();
  const remedy = `add it to ${on} in its [node.address], or write source`;
  const what = `IPv6 address on "${on}" that its peers could answer to`;
  return own.find((address) => !isLinkLocal(address)) ?? complain(peersPath, what, remedy);
}

function checkGiven({ router, peers }: Ipv6Paths, member: Participant, around: Surroundings): void {
  const { source } = member;
  const path = [...router.path, "source"];
  if (source === null || (familyOf(source) === 6 && isLinkLocal(source))) return;
  if (peers === "multicast") {
    // RFC 9568 §5.1.2.1; that the host has it shows at run time.
    const what = `${source} is no link-local address, which advertisements over IPv6 come from`;
    const remedy = "leave source out, or write the interface's own fe80::… address";
    around.findings.push(errorAt(path, what, remedy));
    return;
  }
  if (familyOf(source) === 4) {
    const what = `${source} is IPv4, and these addresses are IPv6`;
    around.findings.push(errorAt(path, what, "leave source out, or write an IPv6 address of the interface"));
    return;
  }
  const node = around.nodes.get(member.node);
  if (node !== undefined) checkSource(node, { on: member.interface, source, path }, around);
}
