import { tokenOctet } from "./octets.ts";

/** The fields this proxy has to know; every other is `other` and passes through. */
const names = [
  "connection",
  "content-length",
  "transfer-encoding",
  "host",
  "te",
  "trailer",
  "upgrade",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "expect",
  "via",
  "forwarded",
  "max-forwards",
  "authorization",
  "referer",
  "user-agent",
  "x-real-ip",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-ssl-client-verify",
  "x-ssl-client-s-dn",
  "x-ssl-client-serial",
  "x-ssl-client-fingerprint",
  "sec-websocket-key",
  "sec-websocket-accept",
  "accept-encoding",
  "cache-control",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "pragma",
  "range",
] as const;

/** The names of the known fields, in the order of their numbers. */
export const fieldNames: readonly string[] = names;

/** A field this proxy knows, in lower case. */
export type KnownField = (typeof names)[number];

/** Number of a field that is not known. */
export const otherField = 0;

/** Number of a field whose name differs from a known one by `_` for `-`: some servers take it for that one, so it is dropped. */
export const spoofedField = 255;

/** Numbers of the known fields, 1 and up. */
export const fieldNumber: Readonly<Record<KnownField, number>> = Object.fromEntries(
  names.map((name, index) => [name, index + 1]),
) as Record<KnownField, number>;

const slots = new Uint8Array(1024);
const slotMask = slots.length - 1;

/**
 * Gives the slot of the name that stands in `bytes` from `start` to `end`, by its length and two of its octets: to take all of
 * them took longer than the rest of the line.
 */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const middle = slotOctet[bytes[start + (length >> 1)] ?? 0] ?? 0;
  const last = slotOctet[bytes[end - 1] ?? 0] ?? 0;
  return (length * 4 + last * 9 + middle) & slotMask;
}

/** For each octet of a token its lower case; `_` counts as `-`. */
const slotOctet = Uint8Array.from(tokenOctet);
slotOctet[0x5f] = 0x2d;

for (const [index, name] of names.entries()) {
  const slot = slotOf(Buffer.from(name, "latin1"), 0, name.length);
  if (slots[slot] !== 0)
    throw new Error(`field names ${name} and ${names[(slots[slot] ?? 1) - 1]} share a slot`);
  slots[slot] = index + 1;
}

/**
 * Gives the number of the field whose name stands in `bytes` from `start` to `end`. A slot of a table instead of a string in lower
 * case and a Map: no allocation, and next to nothing for a name that is not known.
 */
export function numberOfField(bytes: Uint8Array, start: number, end: number): number {
  const number = slots[slotOf(bytes, start, end)] ?? 0;
  if (number === 0) return otherField;
  const name = names[number - 1] ?? "";
  if (name.length !== end - start) return otherField;
  let isSpoofed = false;
  for (let at = 0; at < name.length; at++) {
    const code = bytes[start + at] ?? 0;
    const expected = name.charCodeAt(at);
    if (code === 0x5f && expected === 0x2d) isSpoofed = true;
    else if ((code >= 0x41 && code <= 0x5a ? code | 0x20 : code) !== expected) return otherField;
  }
  return isSpoofed ? spoofedField : number;
}
