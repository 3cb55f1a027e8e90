import type { Family } from "../base/address.ts";
import type { MemberConfig } from "./config.ts";
import { routerFamily } from "./families.ts";
import { errorAt, type KeyPath, report } from "./finding.ts";
import { firstIpv4, type Participant, refuseStrangers, type Surroundings } from "./members.ts";
import type { HeartbeatPlan, PeerPlan, UnicastPlan } from "./node-plan.ts";
import type { ClusterEntry, NodeEntry } from "./schema/cluster.ts";
import { perNodeValue } from "./schema/per-node.ts";
import type { PeersEntry } from "./schema/transport.ts";
import type { VipEntry, VrrpEntry } from "./schema/vrrp.ts";
import type { Element } from "./sections.ts";
import { firstIpv6, withIpv6Sources } from "./sources-ipv6.ts";
import { quoted } from "./suggestion.ts";

/** Whom the members of a virtual router speak to, and on which interfaces beside their own. */

/** A router's table, and the one that holds where it says nothing. */
export interface PathSources {
  readonly router: Element<VipEntry | VrrpEntry>;
  readonly cluster: Element<ClusterEntry>;
}

/** Tells how a router's advertisements go to its peers; null is by multicast. */
export function unicastOf(value: VipEntry | VrrpEntry, cluster: ClusterEntry): UnicastPlan | null {
  if ((value.peers ?? cluster.peers) === "multicast") return null;
  return {
    ttl: value.unicast_ttl ?? cluster.unicast_ttl,
    checksSource: value.check_source ?? cluster.check_source ?? true,
  };
}

/** Gives a router's members their peers and heartbeats. */
export function withPaths(
  from: PathSources,
  participants: readonly Participant[],
  around: Surroundings,
): readonly MemberConfig[] {
  const members =
    routerFamily(from.router.value) === 6 ? ipv6Members(from, participants, around) : participants;
  return withPeers(from, members, around);
}

function withPeers(
  from: PathSources,
  participants: readonly Participant[],
  around: Surroundings,
): readonly MemberConfig[] {
  const { value, path } = from.router;
  const peers: PeersEntry = value.peers ?? from.cluster.value.peers;
  const at = [...path, "peers"];
  if (typeof peers === "string") {
    if (value.peers === "unicast" && participants.length === 1) {
      const what = `only "${participants[0]?.node}" takes part, so there is nobody to send to`;
      const more =
        "prefer" in value ? "add a node to prefer" : 'list the others, as in peers = ["192.0.2.11"]';
      around.findings.push(errorAt(at, what, `${more}, or write peers = "multicast"`));
    }
  } else {
    const known = participants.map(({ node }) => node);
    if (!Array.isArray(peers)) refuseStrangers(peers, { path: at, known }, around);
    refuseVirtual(peers, from.router, around);
  }
  const heartbeats = heartbeatsOf(from, participants, around);
  return participants.map((member) => ({
    ...member,
    peers:
      typeof peers === "string"
        ? others(member, participants)
        : listed(perNodeValue(peers, member.node), member, { at, around }),
    heartbeats: heartbeats.get(member.node) ?? [],
  }));
}

function ipv6Members(
  { router, cluster }: PathSources,
  participants: readonly Participant[],
  around: Surroundings,
): readonly Participant[] {
  const { value } = router;
  const peers = value.peers ?? cluster.value.peers;
  const peersPath = [...(value.peers === null ? cluster.path : router.path), "peers"];
  const heartbeats = value.heartbeats ?? cluster.value.heartbeats ?? [];
  const isBeside = heartbeats.some((entry) =>
    participants.some((member) => perNodeValue(entry, member.node) !== member.interface),
  );
  const owner = value.heartbeats === null ? cluster : router;
  const heartbeatsPath = isBeside ? [...owner.path, "heartbeats"] : null;
  return withIpv6Sources({ router, peers, peersPath, heartbeatsPath }, participants, around);
}

function others(member: Participant, participants: readonly Participant[]): readonly PeerPlan[] {
  return participants.flatMap(({ node, source }) =>
    node === member.node || source === null ? [] : [{ name: node, address: source }],
  );
}

/** The same list can stand for all nodes: each leaves itself out. */
function listed(
  list: readonly string[] | null,
  member: Participant,
  on: { readonly at: KeyPath; readonly around: Surroundings },
): readonly PeerPlan[] {
  const { nodes, findings } = on.around;
  const node = nodes.get(member.node);
  const isOwn = (address: string): boolean => {
    const own = node === undefined ? [] : Object.values(node.address).flat();
    return own.some((one) => one.address === address);
  };
  const peers = [...new Set(list ?? [])].filter((address) => !isOwn(address));
  if (peers.length === 0) {
    const what = `names nobody for "${member.node}" to send to`;
    findings.push(errorAt(on.at, what, "add the addresses of the other routers"));
  }
  return peers.map((address) => ({ name: nameOf(address, nodes.values()) ?? address, address }));
}

function nameOf(address: string, nodes: Iterable<NodeEntry>): string | null {
  for (const { name, address: own } of nodes) {
    if (
      Object.values(own)
        .flat()
        .some((one) => one.address === address)
    )
      return name;
  }
  return null;
}

function refuseVirtual(
  peers: PeersEntry,
  { value, path }: Element<VipEntry | VrrpEntry>,
  { findings }: Surroundings,
): void {
  const lists = Array.isArray(peers)
    ? [[[], peers] as const]
    : Object.entries(peers).map(([node, list]) => [[node], list] as const);
  const virtual = new Set(value.addresses.map(({ address }) => address));
  for (const [below, list] of lists) {
    for (const [index, address] of [...list].entries()) {
      if (!virtual.has(address)) continue;
      const what = `${address} is virtual, and moves`;
      findings.push(
        errorAt([...path, "peers", ...below, index], what, "write the other router's own address"),
      );
    }
  }
}

/** Gives each node's heartbeats. What `[cluster]` says holds where the interface is not the router's own. */
function heartbeatsOf(
  { router, cluster }: PathSources,
  participants: readonly Participant[],
  around: Surroundings,
): ReadonlyMap<string, readonly HeartbeatPlan[]> {
  const isOwnWord = router.value.heartbeats !== null;
  const list = router.value.heartbeats ?? cluster.value.heartbeats ?? [];
  const path = [...(isOwnWord ? router.path : cluster.path), "heartbeats"];
  const found = new Map<string, HeartbeatPlan[]>();
  const [first, second] = participants;
  if (second === undefined) {
    if (isOwnWord && first !== undefined && list.length > 0) {
      const what = `only "${first.node}" takes part, so there is nobody to hear`;
      around.findings.push(errorAt(path, what, "remove it, or let another node take part"));
    }
    return found;
  }
  const known = isOwnWord ? participants.map(({ node }) => node) : [...around.nodes.keys()];
  for (const [index, entry] of list.entries()) {
    const at = [...path, index];
    refuseStrangers(entry, { path: at, known }, around);
    const ends = participants.map((member) => ({ member, on: perNodeValue(entry, member.node) }));
    const own = ends.find(({ member, on }) => on === member.interface);
    if (own !== undefined) {
      if (isOwnWord)
        report(around.findings, errorAt(at, `"${own.on}" is the router's own interface`, "name another one"));
      continue;
    }
    const family = routerFamily(router.value);
    const sources = ends.map(({ member, on }) => endOf(member, on, { family, at, around }));
    for (const [place, { member, on }] of ends.entries()) {
      const source = sources[place];
      if (source === undefined || source === null || on === null) continue;
      const peers = ends.flatMap(({ member: other }, each) => {
        const address = sources[each] ?? null;
        if (other === member || address === null || other.source === null) return [];
        return [{ name: other.node, address, identity: other.source }];
      });
      const before = found.get(member.node) ?? [];
      if (before.some((heartbeat) => heartbeat.interface === on)) {
        report(around.findings, errorAt(at, `"${on}" is already in the list`, "remove it here"));
      } else found.set(member.node, [...before, { interface: on, source, peers }]);
    }
  }
  return found;
}

/** A node's own address on a heartbeat interface. */
function endOf(
  { node: name }: Participant,
  on: string | null,
  { family, at, around }: { readonly family: Family; readonly at: KeyPath; readonly around: Surroundings },
): string | null {
  const node = around.nodes.get(name);
  if (node === undefined) return null;
  if (on === null) {
    const example = Object.keys(node.address)[0] ?? "eth1";
    report(around.findings, errorAt(at, `names no interface for "${name}"`, `add ${name} = "${example}"`));
    return null;
  }
  const source = family === 4 ? firstIpv4(node, on) : firstIpv6(node, on);
  if (source !== null) return source;
  const what = `[[node]] "${name}" has no IPv${family} address on "${on}"`;
  const remedy = `add ${on} with its address to [node.address], or use one of ${quoted(Object.keys(node.address))}`;
  report(around.findings, errorAt(at, what, remedy));
  return null;
}
