import { familyOf, isLinkLocal } from "../base/address.ts";
import type { BfdConfig } from "./config.ts";
import { errorAt, type KeyPath } from "./finding.ts";
import { fullLength, ownInterface, refuseStrangers, sharesNetwork, type Surroundings } from "./members.ts";
import type { BfdSessionEntry } from "./schema/bfd-session.ts";
import type { NodeEntry } from "./schema/cluster.ts";
import { perNodeValue } from "./schema/per-node.ts";
import type { Element } from "./sections.ts";
import { quoted } from "./suggestion.ts";

/** Gives the sessions that are spelled out, each with the nodes that have an end of it. */
export function resolveBfd(
  sessions: readonly Element<BfdSessionEntry>[],
  around: Surroundings,
): readonly BfdConfig[] {
  return sessions.map(({ value, path }) => {
    const { name, interval: intervalMs, multiplier, min_receive: minReceive } = value;
    refuseStrangers(value.peer, { path: [...path, "peer"], known: [...around.nodes.keys()] }, around);
    const known = [...around.nodes.keys()].filter((node) => perNodeValue(value.peer, node) !== null);
    for (const key of ["interface", "source"] as const) {
      refuseStrangers(value[key], { path: [...path, key], known, of: "session" }, around);
    }
    const ends = [...around.nodes.values()].flatMap((node) => endOf({ value, path }, node, around));
    return { name, intervalMs, minReceiveMs: minReceive ?? intervalMs, multiplier, ends };
  });
}

/** A peer for each node says who has an end; one for all holds for every node but the peer itself. */
function endOf(
  { value, path }: Element<BfdSessionEntry>,
  node: NodeEntry,
  around: Surroundings,
): BfdConfig["ends"] {
  const peer = perNodeValue(value.peer, node.name);
  const own = Object.values(node.address).flat();
  if (peer === null) return [];
  if (own.some(({ address }) => address === peer)) {
    if (typeof value.peer === "string") return [];
    const at = [...path, "peer", node.name];
    around.findings.push(
      errorAt(at, `${peer} is an address of "${node.name}" itself`, "write the neighbour's"),
    );
    return [];
  }
  const at = [...path, "interface"];
  const on =
    value.interface === null
      ? nearInterface(node, peer, at, around)
      : ownInterface(node, perNodeValue(value.interface, node.name), at, around);
  if (on === null) return [];
  const source = value.source === null ? null : perNodeValue(value.source, node.name);
  const there = (node.address[on] ?? [])
    .map(({ address }) => address)
    .filter((address) => familyOf(address) === familyOf(peer));
  // A file need not know the link-local addresses of its nodes.
  const isKnown = source === null || there.includes(source) || bothLinkLocal(source, peer);
  if (!isKnown) {
    const what = `${source} is no IPv${familyOf(peer)} address of [[node]] "${node.name}" on ${on}`;
    const example = there[0] ?? "…";
    const remedy = `leave source out, or write source = { ${node.name} = "${example}", … }`;
    around.findings.push(errorAt([...path, "source"], what, remedy));
  }
  return [{ node: node.name, interface: on, peer, source }];
}

function bothLinkLocal(source: string, peer: string): boolean {
  return familyOf(source) === familyOf(peer) && isLinkLocal(source) && isLinkLocal(peer);
}

/** Without `interface`, the only one there is, or the one in whose network the peer is. */
function nearInterface(node: NodeEntry, peer: string, at: KeyPath, around: Surroundings): string | null {
  const all = Object.keys(node.address);
  const near = Object.entries(node.address).filter(([, addresses]) =>
    addresses.some((own) => sharesNetwork(own, { address: peer, length: fullLength({ address: peer }) })),
  );
  const [first, second] = all.length === 1 ? all : near.map(([name]) => name);
  if (first !== undefined && second === undefined) return first;
  const what = `the file does not tell on which interface of "${node.name}" ${peer} is`;
  const remedy = `write interface = "${all[0] ?? "eth1"}" (there are ${quoted(all)}), or give the node's addresses their prefix`;
  around.findings.push(errorAt(at, what, remedy));
  return null;
}
