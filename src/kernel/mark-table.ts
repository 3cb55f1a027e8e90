import { addressBytes, addressFromBytes } from "../base/address.ts";
import { concatBytes, toHex } from "../base/bytes.ts";
import {
  compare,
  loadMeta,
  loadPayload,
  loadValue,
  lookUp,
  register,
  setMark,
} from "./nftables-expressions.ts";
import {
  emptiedTable,
  type NftChange,
  type NftChain,
  type NftRule,
  type NftSet,
} from "./nftables-messages.ts";

/**
 * PURE: the table that marks packets for services of several addresses or ports, which IPVS then balances as one by that
 * mark. The chain comes where others mark too, ahead of IPVS on the way in.
 */

/** The table's name; whatever stands in a table of this name is ours. */
export const markTable = "edge-ha-mark";

/** The chain's name. */
export const markChain = "prerouting";

const manglePriority = -150;
const chain: NftChain = { name: markChain, type: "filter", hook: "prerouting", priority: manglePriority };

/** What gets a mark: packets of one protocol to these addresses and ports. */
export interface Marking {
  readonly mark: number;
  readonly family: 4 | 6;
  readonly sockets: readonly MarkedSocket[];
}

/** Where a marked packet goes. */
export interface MarkedSocket {
  /** Number of the transport protocol. */
  readonly protocol: number;
  readonly address: string;
  readonly port: number;
}

// nft(8)'s numbers of ipv4_addr, ipv6_addr, inet_proto and inet_service; a key of three parts has the first on top.
const typeBits = 6;
const types = { ipv4: 7, ipv6: 8, protocol: 12, service: 13 } as const;
const families = {
  4: { type: types.ipv4, number: 2, at: 16, length: 4 },
  6: { type: types.ipv6, number: 10, at: 24, length: 16 },
};
const registerLength = 4;

function setName({ mark, family }: Pick<Marking, "mark" | "family">): string {
  return `mark-${mark}-ipv${family}`;
}

function markSet(marking: Marking): NftSet {
  const { type, length } = families[marking.family];
  const keyType = (((type << typeBits) | types.protocol) << typeBits) | types.service;
  const keyLength = length + 2 * registerLength;
  return { name: setName(marking), keyType, keyLength, size: marking.sockets.length };
}

function markRule(marking: Marking): NftRule {
  const { number, at, length } = families[marking.family];
  const mark = new Uint8Array(4);
  // A mark is in host order.
  new DataView(mark.buffer).setUint32(0, marking.mark, true);
  const protocolAt = register(length / registerLength);
  const portAt = register(length / registerLength + 1);
  return {
    chain: markChain,
    comment: `mark ${marking.mark} IPv${marking.family}`,
    expressions: [
      loadMeta("nfproto"),
      compare(Uint8Array.of(number)),
      loadPayload("network", { offset: at, length }),
      loadMeta("l4proto", protocolAt),
      // The destination port stands at the same place in TCP, UDP and SCTP.
      loadPayload("transport", { offset: 2, length: 2 }, portAt),
      lookUp(setName(marking)),
      loadValue(mark),
      setMark(),
    ],
  };
}

function keyOf({ protocol, address, port }: MarkedSocket): Uint8Array {
  const rest = new Uint8Array(2 * registerLength);
  rest[0] = protocol;
  new DataView(rest.buffer).setUint16(registerLength, port, false);
  return concatBytes(addressBytes(address), rest);
}

function socketOf(key: Uint8Array): MarkedSocket {
  const length = key.length - 2 * registerLength;
  const rest = new DataView(key.buffer, key.byteOffset + length);
  return {
    protocol: rest.getUint8(0),
    address: addressFromBytes(key.subarray(0, length)),
    port: rest.getUint16(registerLength, false),
  };
}

/** Gives the steps that make the table anew with these markings, whatever was there. */
export function rebuiltMarkTable(markings: readonly Marking[]): readonly NftChange[] {
  const table = markTable;
  return [
    ...emptiedTable(table),
    ...markings.map((marking, index): NftChange => ({
      kind: "add-set",
      table,
      set: markSet(marking),
      id: index + 1,
    })),
    { kind: "add-chain", table, chain },
    ...markings.map((marking): NftChange => ({ kind: "add-rule", table, rule: markRule(marking) })),
    ...markings.map((marking): NftChange => ({
      kind: "add-elements",
      table,
      set: setName(marking),
      keys: marking.sockets.map(keyOf),
    })),
  ];
}

/** What is read back of a table: the comments of its rules, and the elements of a set; null if that is not there. */
export interface MarkTableReader {
  comments(table: string, chain: string): readonly string[];
  elements(table: string, set: string): readonly Uint8Array[] | null;
}

/** Gives the markings of a table that an earlier process has made; none if there is no table. */
export function presentMarkings(reader: MarkTableReader): readonly Marking[] {
  return reader.comments(markTable, markChain).flatMap((comment): readonly Marking[] => {
    const match = /^mark (\d+) IPv([46])$/.exec(comment);
    const [mark, family] = [Number(match?.[1]), match?.[2] === "4" ? 4 : 6] as const;
    const keys = match === null ? [] : (reader.elements(markTable, setName({ mark, family })) ?? []);
    return keys.length === 0 ? [] : [{ mark, family, sockets: keys.map(socketOf) }];
  });
}

/** Tells whether the table has exactly these markings. */
export function hasMarkings(reader: MarkTableReader, markings: readonly Marking[]): boolean {
  const comments = reader.comments(markTable, markChain);
  if (comments.length !== markings.length) return false;
  return markings.every((marking, index) => {
    if (comments[index] !== markRule(marking).comment) return false;
    const present = reader.elements(markTable, setName(marking));
    if (present === null || present.length !== marking.sockets.length) return false;
    const keys = new Set(present.map(toHex));
    return marking.sockets.every((socket) => keys.has(toHex(keyOf(socket))));
  });
}
