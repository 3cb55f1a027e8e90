import { familyOf, isLinkLocal, prefixContains, type Prefix } from "../base/address.ts";
import { errorAt, type Finding, type KeyPath, warningAt } from "./finding.ts";
import { fullLength } from "./members.ts";
import type { Model } from "./model.ts";
import type { NodeEntry } from "./schema/cluster.ts";
import { quoted } from "./suggestion.ts";

/** RFC 5881 §5: a packet that has passed a router is dropped, so that a session reaches no farther than the link. */

/** One end of a session. */
export interface BfdEnd {
  readonly node: NodeEntry;
  readonly on: string;
  readonly peer: string;
}

/**
 * Finds that a peer is in none of a node's networks on an interface: an error where the file tells them, a warning where
 * they are taken from the virtual addresses there; null where nothing is known.
 */
export function farPeer(
  { node, on, peer }: BfdEnd,
  model: Pick<Model, "instances">,
  at: { readonly path: KeyPath; readonly remedy: string },
): Finding | null {
  const own = (node.address[on] ?? []).filter(({ address }) => familyOf(address) === familyOf(peer));
  if (isLinkLocal(peer) || own.length === 0) return null;
  const networks = own.flatMap(({ address, prefixLength }): readonly Prefix[] =>
    prefixLength === null ? virtualNetwork(address, model) : [{ address, length: prefixLength }],
  );
  if (networks.length < own.length || networks.some((network) => prefixContains(network, peer))) return null;
  const isSure = own.every(({ prefixLength }) => prefixLength !== null);
  const near = quoted(networks.map(({ address, length }) => `${address}/${length}`));
  const what = `${peer} is not in the network of "${node.name}" on ${on} (${near}): BFD goes one hop only, so the session never comes up`;
  return isSure
    ? errorAt(at.path, what, at.remedy)
    : warningAt(
        at.path,
        what,
        `${at.remedy}, or give the address of "${node.name}" its prefix if it is a wider one`,
      );
}

/** The network that an address without a prefix is in, going by the virtual addresses around it. */
function virtualNetwork(address: string, { instances }: Pick<Model, "instances">): readonly Prefix[] {
  const around = instances
    .flatMap(({ config }) => config.addresses)
    .find((virtual) => virtual.length < fullLength(virtual) && prefixContains(virtual, address));
  return around === undefined ? [] : [{ address, length: around.length }];
}
