import { addressBytes, familyOf } from "../base/address.ts";
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

const tcp = 6;
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

function answersOf(family: 4 | 6): string {
  return `answers-ipv${family}`;
}

/** Which server a virtual address and a port of ours stand for. */
function answerMap(family: 4 | 6): NftSet {
  const { type, length } = families[family];
  return {
    name: answersOf(family),
    keyType: (type << typeBits) | servicePort,
    keyLength: length + portLength,
    map: { type, length, size: mostAnswers, timeoutMs: detourMemoryMs },
  };
}

function isTcpOver({ etherType }: Shape): readonly Uint8Array[] {
  return [
    loadMeta("protocol"),
    compare(Uint8Array.of(etherType >> 8, etherType & 0xff)),
    loadMeta("l4proto"),
    compare(Uint8Array.of(tcp)),
  ];
}

function rewrite(shape: Shape, offset: number): Uint8Array {
  const { length, checksumAt } = shape;
  return rewritePayload("network", { offset, length }, { from: register(0), checksumAt });
}

function leaving({ vip, mark }: Detour): readonly Uint8Array[] {
  const family = familyOf(vip);
  const shape = families[family];
  const { length, destination } = shape;
  const portAt = register(length / 4);
  const serverAt = register(length / 4 + 1);
  return [
    loadMeta("mark"),
    // A mark is in host order.
    compare(intOption(mark | 0)),
    ...isTcpOver(shape),
    loadValue(addressBytes(vip)),
    loadPayload("transport", { offset: 0, length: 2 }, portAt),
    loadPayload("network", { offset: destination, length }, serverAt),
    rememberInMap(answersOf(family), { key: register(0), value: serverAt }),
    rewrite(shape, destination),
  ];
}

function coming(family: 4 | 6): readonly Uint8Array[] {
  const shape = families[family];
  const { length, source } = shape;
  return [
    ...isTcpOver(shape),
    loadPayload("network", { offset: source, length }),
    loadPayload("transport", { offset: 2, length: 2 }, register(length / 4)),
    lookUpValue(answersOf(family), { key: register(0), into: register(0) }),
    rewrite(shape, source),
  ];
}

/** Says what the rules of a table that is whole are for, by chain; interfaces are in it, as nothing else tells them. */
export function detourComments(
  detours: readonly Detour[],
  links: readonly string[],
): Readonly<Record<keyof typeof detourChains, readonly string[]>> {
  const on = `on ${links.join(" ")}`;
  return {
    leaving: detours.map(({ vip, mark }) => `to ${vip} with mark ${mark} ${on}`),
    coming: familiesOf(detours).map((family) => `answers over IPv${family} ${on}`),
  };
}

function familiesOf(detours: readonly Detour[]): readonly (4 | 6)[] {
  const present = new Set(detours.map(({ vip }) => familyOf(vip)));
  return ([4, 6] as const).filter((family) => present.has(family));
}

/** Gives the steps that make the table anew for these virtual addresses and interfaces, whatever was there. */
export function rebuiltDetours(detours: readonly Detour[], links: readonly string[]): readonly NftChange[] {
  const [table, family] = [detourTable, "netdev"] as const;
  const comments = detourComments(detours, links);
  const chains: readonly NftChain[] = [
    { name: detourChains.leaving, type: "filter", hook: "egress", priority: 0, links },
    { name: detourChains.coming, type: "filter", hook: "ingress", priority: 0, links },
  ];
  const present = familiesOf(detours);
  const rule = (
    chain: string,
    comment: string | undefined,
    expressions: readonly Uint8Array[],
  ): NftChange => ({
    kind: "add-rule",
    family,
    table,
    rule: { chain, comment: comment ?? "", expressions },
  });
  return [
    ...emptiedTable(table, family),
    ...present.map((of, index): NftChange => ({
      kind: "add-set",
      family,
      table,
      set: answerMap(of),
      id: index + 1,
    })),
    ...chains.map((chain): NftChange => ({ kind: "add-chain", family, table, chain })),
    ...detours.map((detour, index) => rule(detourChains.leaving, comments.leaving[index], leaving(detour))),
    ...present.map((of, index) => rule(detourChains.coming, comments.coming[index], coming(of))),
  ];
}
