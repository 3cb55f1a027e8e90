import { addressBytes, familyOf, formatEndpoint, type Family } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import {
  compare,
  count,
  loadMeta,
  loadOriginalTarget,
  loadPayload,
  masquerade,
} from "./nftables-expressions.ts";
import { emptiedTable, type NftChange, type NftChain } from "./nftables-messages.ts";

/**
 * PURE: the table that gives connections an address of this node as their source: those which servers open to the outside
 * where this node is their gateway, and those of clients to services whose servers have another gateway. What IPVS
 * translates comes by here with the server as its destination, or on the way back the VIP as its source, already; with
 * `net.ipv4.vs.conntrack` it still knows where the client sent it.
 */

/** The table's name; whatever stands in a table of this name is ours. */
export const masqueradeTable = "edge-ha-nat";

/** The chain's name. */
export const masqueradeChain = "postrouting";

/** nft(8)'s `srcnat`. */
const sourceNat = 100;
const interfaceNameLength = 16;
const protocols = { tcp: 6, udp: 17, sctp: 132 } as const;

const chain: NftChain = { name: masqueradeChain, type: "nat", hook: "postrouting", priority: sourceNat };

/**
 * Connections from a server that leave through an interface; those that were sent to a socket and are on their way to
 * somewhere else; or those with a mark that are on their way to a server.
 */
export type Masquerade =
  | { readonly kind: "server"; readonly server: string; readonly interface: string }
  | {
      readonly kind: "socket";
      readonly protocol: keyof typeof protocols;
      readonly address: string;
      readonly port: number;
    }
  | { readonly kind: "mark"; readonly mark: number; readonly server: string };

/** Says what a rule does; the rules of a table that is whole say this, in order. */
export function masqueradeText(one: Masquerade): string {
  switch (one.kind) {
    case "server":
      return `${one.server} through ${one.interface}`;
    case "socket":
      return `clients of ${one.protocol} ${formatEndpoint(one)}`;
    case "mark":
      return `clients of fwmark ${one.mark} at ${one.server}`;
    default:
      return unreachable(one);
  }
}

function ofFamily(family: Family): readonly Uint8Array[] {
  return [loadMeta("nfproto"), compare(Uint8Array.of(family === 4 ? 2 : 10))];
}

/** Goes on only if the packet comes from an address, or goes to it. */
function hasAddress(
  which: "source" | "destination",
  address: string,
  how?: "unequal",
): readonly Uint8Array[] {
  const isIpv4 = familyOf(address) === 4;
  const length = isIpv4 ? 4 : 16;
  const offset = (isIpv4 ? 12 : 8) + (which === "source" ? 0 : length);
  return [loadPayload("network", { offset, length }), compare(addressBytes(address), how)];
}

function matches(one: Masquerade): readonly Uint8Array[] {
  switch (one.kind) {
    case "server": {
      const name = new Uint8Array(interfaceNameLength);
      name.set(new TextEncoder().encode(one.interface));
      const isThrough = [loadMeta("oifname"), compare(name)];
      return [...ofFamily(familyOf(one.server)), ...isThrough, ...hasAddress("source", one.server)];
    }
    case "socket": {
      const { address, port, protocol } = one;
      const family = familyOf(address);
      return [
        ...ofFamily(family),
        loadMeta("l4proto"),
        compare(Uint8Array.of(protocols[protocol])),
        // What still goes to the VIP was sent on by direct routing, or is for this node itself.
        ...hasAddress("destination", address, "unequal"),
        loadOriginalTarget(family === 4 ? "ipv4" : "ipv6"),
        compare(addressBytes(address)),
        loadOriginalTarget("port"),
        compare(Uint8Array.of(port >> 8, port & 0xff)),
      ];
    }
    case "mark": {
      const mark = new Uint8Array(4);
      // A mark is in host order.
      new DataView(mark.buffer).setUint32(0, one.mark, true);
      const isMarked = [loadMeta("mark"), compare(mark)];
      return [...ofFamily(familyOf(one.server)), ...isMarked, ...hasAddress("destination", one.server)];
    }
    default:
      return unreachable(one);
  }
}

/** Gives the steps that make the table anew with these rules, whatever was there. */
export function masqueradeChanges(masquerades: readonly Masquerade[]): readonly NftChange[] {
  const table = masqueradeTable;
  return [
    ...emptiedTable(table),
    { kind: "add-chain", table, chain },
    ...masquerades.map((one): NftChange => {
      const expressions = [...matches(one), count(), masquerade()];
      return {
        kind: "add-rule",
        table,
        rule: { chain: chain.name, comment: masqueradeText(one), expressions },
      };
    }),
  ];
}
