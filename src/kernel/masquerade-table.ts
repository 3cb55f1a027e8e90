import { addressBytes, familyOf } from "../base/address.ts";
import { compare, count, loadMeta, loadPayload, masquerade } from "./nftables-expressions.ts";
import { emptiedTable, type NftChange, type NftChain } from "./nftables-messages.ts";

/**
 * PURE: the table that gives the connections which servers open to the outside an address of this node as their source,
 * where this node is their gateway. What IPVS translates comes by here with the VIP as its source already.
 */

/** The table's name; whatever stands in a table of this name is ours. */
export const masqueradeTable = "edge-ha-nat";

/** The chain's name. */
export const masqueradeChain = "postrouting";

/** nft(8)'s `srcnat`. */
const sourceNat = 100;
const interfaceNameLength = 16;

const chain: NftChain = { name: masqueradeChain, type: "nat", hook: "postrouting", priority: sourceNat };

/** Connections from a server that leave through an interface. */
export interface Masquerade {
  readonly server: string;
  readonly interface: string;
}

/** Says what a rule does; the rules of a table that is whole say this, in order. */
export function masqueradeText({ server, interface: on }: Masquerade): string {
  return `${server} through ${on}`;
}

function expressions({ server, interface: on }: Masquerade): readonly Uint8Array[] {
  const name = new Uint8Array(interfaceNameLength);
  name.set(new TextEncoder().encode(on));
  const isIpv4 = familyOf(server) === 4;
  return [
    loadMeta("nfproto"),
    compare(Uint8Array.of(isIpv4 ? 2 : 10)),
    loadMeta("oifname"),
    compare(name),
    loadPayload("network", isIpv4 ? { offset: 12, length: 4 } : { offset: 8, length: 16 }),
    compare(addressBytes(server)),
    count(),
    masquerade(),
  ];
}

/** Gives the steps that make the table anew with these rules, whatever was there. */
export function masqueradeChanges(masquerades: readonly Masquerade[]): readonly NftChange[] {
  const table = masqueradeTable;
  return [
    ...emptiedTable(table),
    { kind: "add-chain", table, chain },
    ...masquerades.map((one): NftChange => {
      const rule = { chain: chain.name, comment: masqueradeText(one), expressions: expressions(one) };
      return { kind: "add-rule", table, rule };
    }),
  ];
}
