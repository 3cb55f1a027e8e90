import { addressBytes, familyOf } from "../base/address.ts";
import { fnv1a } from "../base/fnv.ts";
import { intOption } from "./socket-address.ts";
import {
  compare,
  loadMeta,
  loadPayload,
  loadValue,
  lookUpValue,
  register,
  rememberInMap,
  rewritePayload,
} from "./nftables-expressions.ts";
import { emptiedTable, type NftChange, type NftChain, type NftSet } from "./nftables-messages.ts";

/**
 * PURE: the table that leads checks to a virtual address by way of a server. The check connects to the server's own
 * address, and for the host that is all there is to it: routes, neighbours, connection tracking and firewall see that
 * connection. Only where packets leave the interface does the destination become the virtual address, and where answers
 * come in their source becomes the server's own again, before anybody else sees them (docs/decisions/checks-through-the-vip.md).
 * That a UDP port is closed is said by ICMP, with a piece of the packet in it, and that is put right as well.
 */

/** The table's name; whatever stands in a netdev table of this name is ours. */
export const detourTable = "edge-ha-detour";

/** The chains, by what passes through them. */
export const detourChains = { leaving: "leaving", coming: "coming" } as const;

/** Checks of one virtual address: packets with this mark are its. */
export interface Detour {
  readonly vip: string;
  readonly mark: number;
}

/** An answer to a packet that is older than this is not recognised any more. */
export const detourMemoryMs = 120_000;

/**
 * What checks travel by: its number, where in its header stands what is ours alone, our port or the identifier of a question,
 * and what its first byte says if that matters; on the way out and on the way back.
 */
interface Transport {
  readonly name: "tcp" | "udp" | "ping";
  readonly protocol: number;
  readonly ours: { readonly leaving: number; readonly coming: number };
  readonly firstByte: { readonly leaving: number; readonly coming: number } | null;
}

const udp = 17;
const ports = { ours: { leaving: 0, coming: 2 }, firstByte: null } as const;
const byPort: readonly Transport[] = [
  { name: "tcp", protocol: 6, ...ports },
  { name: "udp", protocol: udp, ...ports },
];
/** Echo and echo reply (RFC 792, RFC 4443 §4). */
const pings = {
  4: { name: "ping", protocol: 1, ours: { leaving: 4, coming: 4 }, firstByte: { leaving: 8, coming: 0 } },
  6: {
    name: "ping",
    protocol: 58,
    ours: { leaving: 4, coming: 4 },
    firstByte: { leaving: 128, coming: 129 },
  },
} as const satisfies Readonly<Record<4 | 6, Transport>>;

function transportsOver(family: 4 | 6): readonly Transport[] {
  return [...byPort, pings[family]];
}

const mostAnswers = 65_536;
const portLength = 4;

// nft(8)'s numbers of ipv4_addr, ipv6_addr and inet_service; a key of two parts has the first on top.
const typeBits = 6;
const servicePort = 13;
const families = {
  4: { etherType: 0x0800, type: 7, length: 4, source: 12, destination: 16, checksumAt: 10 },
  6: { etherType: 0x86dd, type: 8, length: 16, source: 8, destination: 24, checksumAt: null },
} as const;

type Shape = (typeof families)[4 | 6];

/** ICMP's word that nobody listens at a UDP port (RFC 792, RFC 4443 §3.1), which has its packet in it behind eight bytes. */
const refusals = {
  4: { protocol: 1, typeAndCode: [3, 3], inner: 8, protocolAt: 9, headerLength: 20 },
  6: { protocol: 58, typeAndCode: [1, 4], inner: 8, protocolAt: 6, headerLength: 40 },
} as const;
const icmpChecksumAt = 2;
/** An IPv4 header without options. */
const plainHeader = 0x45;

function answersOf(family: 4 | 6, transport: Transport["name"]): string {
  return `${transport}-answers-ipv${family}`;
}

/** Which server a virtual address and a port of ours stand for. */
function answerMap(family: 4 | 6, transport: Transport["name"]): NftSet {
  const { type, length } = families[family];
  return {
    name: answersOf(family, transport),
    keyType: (type << typeBits) | servicePort,
    keyLength: length + portLength,
    size: mostAnswers,
    map: { type, length, timeoutMs: detourMemoryMs },
  };
}

function isOver({ etherType }: Shape, protocol: number): readonly Uint8Array[] {
  return [
    loadMeta("protocol"),
    compare(Uint8Array.of(etherType >> 8, etherType & 0xff)),
    loadMeta("l4proto"),
    compare(Uint8Array.of(protocol)),
  ];
}

function isTransport(
  shape: Shape,
  { protocol, firstByte }: Transport,
  way: "leaving" | "coming",
): readonly Uint8Array[] {
  return [...isOver(shape, protocol), ...(firstByte === null ? [] : byteIs(0, firstByte[way]))];
}

function byteIs(offset: number, value: number): readonly Uint8Array[] {
  return [loadPayload("transport", { offset, length: 1 }), compare(Uint8Array.of(value))];
}

function rewrite(shape: Shape, offset: number): Uint8Array {
  const { length, checksumAt } = shape;
  return rewritePayload("network", { offset, length }, { from: register(0), checksumAt });
}

function leaving({ vip, mark }: Detour, transport: Transport): readonly Uint8Array[] {
  const family = familyOf(vip);
  const shape = families[family];
  const { length, destination } = shape;
  const portAt = register(length / 4);
  const serverAt = register(length / 4 + 1);
  return [
    loadMeta("mark"),
    // A mark is in host order.
    compare(intOption(mark | 0)),
    ...isTransport(shape, transport, "leaving"),
    loadValue(addressBytes(vip)),
    loadPayload("transport", { offset: transport.ours.leaving, length: 2 }, portAt),
    loadPayload("network", { offset: destination, length }, serverAt),
    rememberInMap(answersOf(family, transport.name), { key: register(0), value: serverAt }),
    rewrite(shape, destination),
  ];
}

function coming(family: 4 | 6, transport: Transport): readonly Uint8Array[] {
  const shape = families[family];
  const { length, source } = shape;
  return [
    ...isTransport(shape, transport, "coming"),
    loadPayload("network", { offset: source, length }),
    loadPayload("transport", { offset: transport.ours.coming, length: 2 }, register(length / 4)),
    lookUpValue(answersOf(family, transport.name), { key: register(0), into: register(0) }),
    rewrite(shape, source),
  ];
}

/** The packet that is refused gets the server's own address as its destination again, and the refusal as its source. */
function refused(family: 4 | 6): readonly Uint8Array[] {
  const shape = families[family];
  const { length, source, destination } = shape;
  const { protocol, typeAndCode, inner, protocolAt, headerLength } = refusals[family];
  const target = { offset: inner + destination, length };
  return [
    ...isOver(shape, protocol),
    loadPayload("transport", { offset: 0, length: 2 }),
    compare(Uint8Array.of(...typeAndCode)),
    ...(family === 4 ? byteIs(inner, plainHeader) : []),
    ...byteIs(inner + protocolAt, udp),
    loadPayload("transport", target),
    loadPayload("transport", { offset: inner + headerLength, length: 2 }, register(length / 4)),
    lookUpValue(answersOf(family, "udp"), { key: register(0), into: register(0) }),
    rewritePayload("transport", target, { from: register(0), checksumAt: icmpChecksumAt }),
    rewrite(shape, source),
  ];
}

/** What one rule is for, in words that are kept with it, and the rule. */
interface Line {
  readonly comment: string;
  readonly expressions: readonly Uint8Array[];
}

function lines(
  detours: readonly Detour[],
  links: readonly string[],
): Readonly<Record<keyof typeof detourChains, readonly Line[]>> {
  const on = `on ${linksText(links)}`;
  const present = familiesOf(detours);
  const answers = present.flatMap((family) =>
    transportsOver(family).map((by) => ({
      comment: `${by.name} answers over IPv${family} ${on}`,
      expressions: coming(family, by),
    })),
  );
  const words = present.map((family) => ({
    comment: `udp refusals over IPv${family} ${on}`,
    expressions: refused(family),
  }));
  return {
    leaving: detours.flatMap((detour) =>
      transportsOver(familyOf(detour.vip)).map((by) => ({
        comment: `${by.name} to ${detour.vip} with mark ${detour.mark} ${on}`,
        expressions: leaving(detour, by),
      })),
    ),
    coming: [...answers, ...words],
  };
}

/** A comment holds 253 bytes, of which the longest words about a detour are 70. */
const longestLinksText = 160;

/** Says which interfaces these are: by their names, or where these are too long by their number and what comes of the names. */
function linksText(links: readonly string[]): string {
  const names = links.join(" ");
  if (Buffer.byteLength(names) <= longestLinksText) return names;
  return `${links.length} interfaces (${fnv1a(names).toString(16)})`;
}

function commentOf({ comment }: Line): string {
  return comment;
}

/** Says what the rules of a table that is whole are for, by chain; interfaces are in it, as nothing else tells them. */
export function detourComments(
  detours: readonly Detour[],
  links: readonly string[],
): Readonly<Record<keyof typeof detourChains, readonly string[]>> {
  const all = lines(detours, links);
  return { leaving: all.leaving.map(commentOf), coming: all.coming.map(commentOf) };
}

function familiesOf(detours: readonly Detour[]): readonly (4 | 6)[] {
  const present = new Set(detours.map(({ vip }) => familyOf(vip)));
  return ([4, 6] as const).filter((family) => present.has(family));
}

/** Gives the steps that make the table anew for these virtual addresses and interfaces, whatever was there. */
export function rebuiltDetours(detours: readonly Detour[], links: readonly string[]): readonly NftChange[] {
  const [table, family] = [detourTable, "netdev"] as const;
  const chains: readonly NftChain[] = [
    { name: detourChains.leaving, type: "filter", hook: "egress", priority: 0, links },
    { name: detourChains.coming, type: "filter", hook: "ingress", priority: 0, links },
  ];
  const maps = familiesOf(detours).flatMap((of) => transportsOver(of).map(({ name }) => answerMap(of, name)));
  const all = lines(detours, links);
  const rules = (["leaving", "coming"] as const).flatMap((chain) =>
    all[chain].map(({ comment, expressions }) => ({ chain: detourChains[chain], comment, expressions })),
  );
  return [
    ...emptiedTable(table, family),
    ...maps.map((set, index): NftChange => ({ kind: "add-set", family, table, set, id: index + 1 })),
    ...chains.map((chain): NftChange => ({ kind: "add-chain", family, table, chain })),
    ...rules.map((rule): NftChange => ({ kind: "add-rule", family, table, rule })),
  ];
}
