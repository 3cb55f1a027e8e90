import { addressBytes, familyOf, isLinkLocal } from "../base/address.ts";
import { concatBytes, toHex } from "../base/bytes.ts";
import { compare, count, loadMeta, loadPayload, lookUp, register, verdict } from "./nftables-expressions.ts";
import {
  emptiedTable,
  type NftChange,
  type NftChain,
  type NftRule,
  type NftSet,
} from "./nftables-messages.ts";

/**
 * PURE: the table that drops what is addressed to the virtual addresses of routers with `accept = false`. RFC 9568
 * §6.4.3: such a router forwards but does not accept, and never drops neighbour solicitations and advertisements; ARP is
 * no IP and does not come by here.
 *
 * The chain comes after IPVS (98 and 99 on the way in), which takes the packets of its services out of that way: what
 * is forwarded to a server is not accepted here, and goes on.
 */

/** The table's name; whatever stands in a table of this name is ours. */
export const acceptanceTable = "edge-ha-accept";

/** The chain's name. */
export const acceptanceChain = "input";

const afterIpvs = 200;

/** The sets by what they hold. A link-local address is one of its interface alone. */
export type AcceptanceSet = "ipv4" | "ipv6" | "link-local";

// nft(8)'s numbers of ipv4_addr, ipv6_addr and iface_index; of a key of two parts the first stands above the other.
const typeBits = 6;
const types = { ipv4: 7, ipv6: 8, interface: 20 } as const;

/** Every set of the table. */
export const acceptanceSets: readonly (NftSet & { readonly name: AcceptanceSet })[] = [
  { name: "ipv4", keyType: types.ipv4, keyLength: 4 },
  { name: "ipv6", keyType: types.ipv6, keyLength: 16 },
  { name: "link-local", keyType: (types.interface << typeBits) | types.ipv6, keyLength: 20 },
];

const icmpv6 = 58;
const isIpv4 = [loadMeta("nfproto"), compare(Uint8Array.of(2))];
const isIpv6 = [loadMeta("nfproto"), compare(Uint8Array.of(10))];
const destination6 = { offset: 24, length: 16 } as const;

function solicitation(type: number): readonly Uint8Array[] {
  return [
    ...isIpv6,
    loadMeta("l4proto"),
    compare(Uint8Array.of(icmpv6)),
    loadPayload("transport", { offset: 0, length: 1 }),
    compare(Uint8Array.of(type)),
    verdict("accept"),
  ];
}

const chain: NftChain = { name: acceptanceChain, type: "filter", hook: "input", priority: afterIpvs };

const rules: readonly Omit<NftRule, "chain">[] = [
  { comment: "neighbour solicitations", expressions: solicitation(135) },
  { comment: "neighbour advertisements", expressions: solicitation(136) },
  {
    comment: "to a virtual IPv4 address",
    expressions: [
      ...isIpv4,
      loadPayload("network", { offset: 16, length: 4 }),
      lookUp("ipv4"),
      count(),
      verdict("drop"),
    ],
  },
  {
    comment: "to a virtual IPv6 address",
    expressions: [...isIpv6, loadPayload("network", destination6), lookUp("ipv6"), count(), verdict("drop")],
  },
  {
    comment: "to a virtual link-local address",
    expressions: [
      ...isIpv6,
      loadMeta("iif"),
      loadPayload("network", destination6, register(1)),
      lookUp("link-local"),
      count(),
      verdict("drop"),
    ],
  },
];

/** What the rules of a table that is whole say of themselves. */
export const acceptanceComments: readonly string[] = rules.map(({ comment }) => comment);

/** An address as a key of one of the sets. */
export interface AcceptanceElement {
  readonly set: AcceptanceSet;
  readonly key: Uint8Array;
}

/** Gives the key of an address on an interface. */
export function acceptanceElement(address: string, linkIndex: number): AcceptanceElement {
  const bytes = addressBytes(address);
  if (familyOf(address) === 4) return { set: "ipv4", key: bytes };
  if (!isLinkLocal(address)) return { set: "ipv6", key: bytes };
  const index = new Uint8Array(4);
  // An index is in host order.
  new DataView(index.buffer).setUint32(0, linkIndex, true);
  return { set: "link-local", key: concatBytes(index, bytes) };
}

/** Names an element for comparisons. */
export function elementName({ set, key }: AcceptanceElement): string {
  return `${set} ${toHex(key)}`;
}

/** Gives the steps that make the table anew with these elements, whatever was there. */
export function rebuiltTable(elements: readonly AcceptanceElement[]): readonly NftChange[] {
  const table = acceptanceTable;
  return [
    ...emptiedTable(table),
    ...acceptanceSets.map((set, index): NftChange => ({ kind: "add-set", table, set, id: index + 1 })),
    { kind: "add-chain", table, chain },
    ...rules.map((rule): NftChange => ({ kind: "add-rule", table, rule: { chain: chain.name, ...rule } })),
    ...elementChanges("add-elements", elements),
  ];
}

/** Gives the steps that add or remove elements. */
export function elementChanges(
  kind: "add-elements" | "remove-elements",
  elements: readonly AcceptanceElement[],
): readonly NftChange[] {
  return acceptanceSets.flatMap(({ name }): readonly NftChange[] => {
    const keys = elements.filter(({ set }) => set === name).map(({ key }) => key);
    return keys.length === 0 ? [] : [{ kind, table: acceptanceTable, set: name, keys }];
  });
}
