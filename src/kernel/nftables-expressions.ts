import { attribute, be32, nested, text } from "./netlink/attribute.ts";

/**
 * PURE: the expressions that rules of nf_tables are made of, as `NFTA_RULE_EXPRESSIONS` carries them. A rule runs them in
 * their order; one that does not match ends it. Values travel in registers: 32-bit ones from 8 on, where a longer value
 * takes as many as it needs, so that a key of several parts is loaded part after part.
 */

/** A register of 32 bits, by its place from 0 to 15. */
export function register(place: number): number {
  return 8 + place;
}

const listElement = 1;
const dataValue = 1;
const dataVerdict = 2;
const verdictRegister = 0;

function expression(name: string, ...data: readonly Uint8Array[]): Uint8Array {
  return nested(listElement, text(1, name), nested(2, ...data));
}

/** Writes `NFTA_DATA_VALUE`, as keys and comparisons have it. */
export function dataOf(value: Uint8Array): Uint8Array {
  return attribute(dataValue, value);
}

const metaKeys = { protocol: 1, mark: 3, iif: 4, oifname: 7, nfproto: 15, l4proto: 16 } as const;

/**
 * Loads something about the packet: its mark, index of the interface it came in on, name of the one it leaves through in
 * 16 bytes, family, transport protocol, or EtherType.
 */
export function loadMeta(key: keyof typeof metaKeys, into: number = register(0)): Uint8Array {
  return expression("meta", be32(2, metaKeys[key]), be32(1, into));
}

/** Sets the packet's mark to what a register holds, in host order. */
export function setMark(from: number = register(0)): Uint8Array {
  return expression("meta", be32(2, metaKeys.mark), be32(3, from));
}

const payloadBases = { link: 0, network: 1, transport: 2 } as const;

/** Loads bytes of a header. */
export function loadPayload(
  base: keyof typeof payloadBases,
  at: { readonly offset: number; readonly length: number },
  into: number = register(0),
): Uint8Array {
  return expression(
    "payload",
    be32(1, into),
    be32(2, payloadBases[base]),
    be32(3, at.offset),
    be32(4, at.length),
  );
}

const internetChecksum = 1;
const withPseudoHeader = 1;

/**
 * Writes bytes of a header from registers, and puts right that header's own checksum (`checksumAt` in it; null where there
 * is none). What is written into a network header is covered by the checksum of what is in the packet, too.
 */
export function rewritePayload(
  base: keyof typeof payloadBases,
  at: { readonly offset: number; readonly length: number },
  { from, checksumAt }: { readonly from: number; readonly checksumAt: number | null },
): Uint8Array {
  return expression(
    "payload",
    be32(2, payloadBases[base]),
    be32(3, at.offset),
    be32(4, at.length),
    be32(5, from),
    be32(6, checksumAt === null ? 0 : internetChecksum),
    be32(7, checksumAt ?? 0),
    be32(8, base === "network" ? withPseudoHeader : 0),
  );
}

/** Goes on only if a register holds this value (`equal`), or another one. */
export function compare(
  value: Uint8Array,
  how: "equal" | "unequal" = "equal",
  from: number = register(0),
): Uint8Array {
  return expression("cmp", be32(1, from), be32(2, how === "equal" ? 0 : 1), nested(3, dataOf(value)));
}

/** Goes on only if the set of this name, in the rule's table, has what the registers from this one on hold. */
export function lookUp(set: string, from: number = register(0)): Uint8Array {
  return expression("lookup", text(1, set), be32(2, from));
}

/** Goes on only if the map of this name has what the registers from `key` on hold, and loads what it has for that. */
export function lookUpValue(
  map: string,
  { key, into }: { readonly key: number; readonly into: number },
): Uint8Array {
  return expression("lookup", text(1, map), be32(2, key), be32(3, into));
}

const updateElement = 1;

/** Puts a value into the map of this name under a key, or renews its time there. */
export function rememberInMap(
  map: string,
  { key, value }: { readonly key: number; readonly value: number },
): Uint8Array {
  return expression("dynset", text(1, map), be32(3, updateElement), be32(4, key), be32(5, value));
}

/** Puts a value in a register. */
export function loadValue(value: Uint8Array, into: number = register(0)): Uint8Array {
  return expression("immediate", be32(1, into), nested(2, dataOf(value)));
}

/** Counts packets and bytes that came this far. */
export function count(): Uint8Array {
  return expression("counter");
}

/** Replaces the source of a connection by the address of the interface it leaves through; of a chain of the type `nat`. */
export function masquerade(): Uint8Array {
  return expression("masq");
}

const conntrackKeys = { port: 12, ipv4: 20, ipv6: 22 } as const;
const original = 0;

/** Loads where the first packet of the connection was sent to, before anybody translated it; a port takes two bytes. */
export function loadOriginalTarget(key: keyof typeof conntrackKeys, into: number = register(0)): Uint8Array {
  return expression("ct", be32(1, into), be32(2, conntrackKeys[key]), attribute(3, Uint8Array.of(original)));
}

const verdicts = { drop: 0, accept: 1, return: -5 } as const;

/** Decides what becomes of the packet. */
export function verdict(kind: keyof typeof verdicts): Uint8Array {
  return expression(
    "immediate",
    be32(1, verdictRegister),
    nested(2, nested(dataVerdict, be32(1, verdicts[kind]))),
  );
}
