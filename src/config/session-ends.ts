import { familyOf } from "../base/address.ts";
import type { MemberConfig } from "./config.ts";
import type { NodeEntry } from "./schema/cluster.ts";

/** A node with its own addresses by interface. */
export type AddressedNode = Pick<NodeEntry, "name" | "address">;

/** The addresses of a BFD session, from one end. */
export interface SessionEnds {
  readonly source: string;
  readonly peer: string;
}

/** Gives the addresses of a session between two nodes, IPv4 if both have it; null if they have no family in common. */
export function sessionEnds(
  nodes: readonly AddressedNode[],
  own: Pick<MemberConfig, "node" | "interface">,
  rival: Pick<MemberConfig, "node" | "interface">,
): SessionEnds | null {
  for (const family of [4, 6] as const) {
    const [source, peer] = [own, rival].map(({ node, interface: on }) => {
      const addresses = nodes.find(({ name }) => name === node)?.address[on] ?? [];
      return addresses.find(({ address }) => familyOf(address) === family)?.address;
    });
    if (source !== undefined && peer !== undefined) return { source, peer };
  }
  return null;
}
