import { addressBytes, addressFromBytes, familyOf, type Family } from "../base/address.ts";
import { concatBytes } from "../base/bytes.ts";
import { internetChecksum, onesComplementSum } from "../base/internet-checksum.ts";
import type { TtlRange } from "../config/node-plan.ts";
import { trailerLength } from "./hmac-trailer.ts";

/**
 * VRRP messages: version 2 as RFC 3768 and RFC 2338 §5.3 draw it, which is IPv4 only, version 3 over IPv4 and IPv6 as
 * RFC 9568 §5.1. PURE bytes to values and back; whether a message is meant for an instance is receive.ts's question.
 */

/** An advertisement of either version. */
export interface Advert {
  /** What it travels over, and what its addresses are. */
  readonly family: Family;
  /** IPv6 has version 3 only. */
  readonly version: 2 | 3;
  readonly vrid: number;
  /** 0 resigns. */
  readonly priority: number;
  /** Version 2: whole seconds; version 3: multiples of 10 ms. */
  readonly intervalMs: number;
  readonly addresses: readonly string[];
  /** Version 2 only; version 3 has none. */
  readonly auth: Authentication;
}

/** Version 2's authentication field. */
export interface Authentication {
  /** 0 none, 1 simple text password, anything else as received. */
  readonly type: number;
  /** Always 8 bytes. */
  readonly data: Uint8Array;
}

/**
 * How the sum of version 3 is made. Over IPv4 deployed routers take in a pseudo-header and RFC 9568 §5.2.8 does not;
 * over IPv6 there is the form with a pseudo-header only.
 */
export type ChecksumForm = "pseudo-header" | "message-only";

/** The addresses a message travels between, of one family. */
export interface Route {
  readonly source: string;
  readonly destination: string;
}

/** Why bytes are no advertisement, in the order of the checks of RFC 9568 §7.1. */
export type Malformation = "ttl" | "version" | "type" | "length" | "checksum" | "vrid" | "count" | "interval";

/** What became of received bytes. */
export type Decoded =
  | {
      /** A request has the layout of an advertisement: see `requestType`. */
      readonly kind: "advert" | "request";
      readonly advert: Advert;
      readonly checksum: ChecksumForm;
      /** The bytes of the message itself. */
      readonly message: Uint8Array;
      /** Version 3: the signature behind the message (hmac-trailer.ts), not looked at yet; null if there is none. */
      readonly trailer: Uint8Array | null;
    }
  | {
      readonly kind: "malformed";
      readonly cause: Malformation;
      /** Sentence fragment with the values at fault. */
      readonly explanation: string;
      /** The virtual router it seems to be meant for, if the bytes reach that far. */
      readonly vrid: number | null;
    };

/** IP protocol number of VRRP. */
export const vrrpProtocol = 112;

/** RFC 9568 §5.2.2: the one type there is. */
const advertType = 1;
/**
 * edge-ha's own, in the layout of an advertisement: a backup of this priority asks the holder to hand over before it is
 * preempted, and the holder answers with the same and its own. RFC 9568 §5.2.2: whoever does not know a type drops it.
 */
const requestType = 2;

/** The 8 bytes without authentication. */
export const noAuthentication: Authentication = { type: 0, data: new Uint8Array(8) };

const headerLength = 8;
const authLength = 8;
/** Where the checksum stands in a message of either version. */
export const checksumOffset = 6;

/** Makes the authentication field of a password of at most 8 bytes; null is none (RFC 2338 §5.3.6). */
export function authenticationOf(password: string | null): Authentication {
  if (password === null) return noAuthentication;
  const data = new Uint8Array(authLength);
  data.set(new TextEncoder().encode(password).subarray(0, authLength));
  return { type: 1, data };
}

/** Writes an advertisement for sending along `route`; only version 3 over IPv4 has a choice of checksum. */
export function encodeAdvert(advert: Advert, route: Route, form: ChecksumForm): Uint8Array {
  return encode(advertType, advert, route, form);
}

/** Writes a request, or the answer to one. */
export function encodeRequest(advert: Advert, route: Route, form: ChecksumForm): Uint8Array {
  return encode(requestType, advert, route, form);
}

function encode(type: number, advert: Advert, route: Route, form: ChecksumForm): Uint8Array {
  const { family, version, vrid, priority, addresses } = advert;
  const timing =
    version === 2 ? [advert.auth.type, advert.intervalMs / 1000] : intervalBytes(advert.intervalMs);
  const header = Uint8Array.from([(version << 4) | type, vrid, priority, addresses.length, ...timing, 0, 0]);
  const parts = [header, ...addresses.map(addressBytes)];
  const message = concatBytes(...parts, ...(version === 2 ? [advert.auth.data] : []));
  const withPseudoHeader = family === 6 || (version === 3 && form === "pseudo-header");
  writeChecksum(message, withPseudoHeader ? pseudoHeaderSum(route, message.length) : 0);
  return message;
}

/**
 * Makes the checksum of a message right that a trailer was added to. Over IPv6 it covers all that follows the IP
 * header, because kernels check it themselves (RFC 3542 §3.1); over IPv4 it stays that of the message alone.
 */
export function sumTrailer(signed: Uint8Array, route: Route): Uint8Array {
  if (familyOf(route.source) === 4) return signed;
  const bytes = Uint8Array.from(signed);
  bytes.fill(0, checksumOffset, checksumOffset + 2);
  writeChecksum(bytes, pseudoHeaderSum(route, bytes.length));
  return bytes;
}

/** RFC 9568 §5.1.1.3: the TTL of what has passed no router. */
export const unrouted: TtlRange = { min: 255, max: 255 };

/** Reads what came after the IP header; `ttl` is the hop limit of IPv6. Never throws. */
export function decodeAdvert(
  received: Uint8Array,
  route: Route & { readonly ttl: number },
  accepted: TtlRange = unrouted,
): Decoded {
  const vrid = received[1] ?? null;
  const malformed = (cause: Malformation, explanation: string): Decoded => {
    return { kind: "malformed", cause, explanation, vrid };
  };
  const family = familyOf(route.source);
  // RFC 9568 §7.1: a TTL below 255 has passed a router, which unicast peers may be behind.
  if (route.ttl < accepted.min || route.ttl > accepted.max) {
    const { min, max } = accepted;
    const wanted = min === max ? `not ${min}` : `not from ${min} to ${max}`;
    return malformed("ttl", `its ${family === 4 ? "TTL" : "hop limit"} is ${route.ttl}, ${wanted}`);
  }
  const [first = 0, id = 0, priority = 0, count = 0, timingHigh = 0, timingLow = 0] = received;
  const version = first >> 4;
  if (version !== 2 && version !== 3) return malformed("version", `its version is ${version}`);
  if (family === 6 && version === 2) return malformed("version", "its version is 2, which IPv6 has not");
  const type = first & 15;
  if (type !== advertType && type !== requestType) return malformed("type", `its type is ${type}, not 1`);
  const expected = headerLength + addressLength(family) * count + (version === 2 ? authLength : 0);
  const isSigned = version === 3 && received.length === expected + trailerLength;
  if (received.length !== expected && !isSigned) {
    return malformed("length", `it has ${received.length} bytes where ${count} addresses need ${expected}`);
  }
  const message = received.subarray(0, expected);
  // What IPv6's checksum covers is all that came; over IPv4 it is the message without its trailer, in either form.
  const checksum = checksumForm(family === 6 ? received : message, route, version);
  if (checksum === null) return malformed("checksum", "its checksum is wrong");
  if (id === 0) return malformed("vrid", "its VRID is 0");
  // RFC 9568 erratum 8299: an advertisement without addresses is ignored.
  if (count === 0) return malformed("count", "it lists no address");
  // RFC 9568 §5.2.6: the four reserved bits are ignored.
  const intervalMs = version === 2 ? timingLow * 1000 : (((timingHigh & 15) << 8) | timingLow) * 10;
  if (intervalMs === 0) return malformed("interval", "its interval is 0");
  const addresses = readAddresses(message, family, count);
  const auth = version === 2 ? { type: timingHigh, data: message.slice(-authLength) } : noAuthentication;
  const advert: Advert = { family, version, vrid: id, priority, intervalMs, addresses, auth };
  const trailer = isSigned ? received.subarray(expected) : null;
  return { kind: type === advertType ? "advert" : "request", advert, checksum, message, trailer };
}

function addressLength(family: Family): 4 | 16 {
  return family === 4 ? 4 : 16;
}

function readAddresses(message: Uint8Array, family: Family, count: number): readonly string[] {
  const length = addressLength(family);
  return Array.from({ length: count }, (_, index) => {
    const start = headerLength + length * index;
    return addressFromBytes(message.subarray(start, start + length));
  });
}

function intervalBytes(intervalMs: number): readonly [number, number] {
  const centiseconds = Math.round(intervalMs / 10);
  return [(centiseconds >> 8) & 15, centiseconds & 255];
}

/** Writes the checksum of a message whose checksum is zero so far. */
function writeChecksum(message: Uint8Array, pseudoHeader: number): void {
  new DataView(message.buffer).setUint16(checksumOffset, internetChecksum(message, pseudoHeader));
}

/** Finds the form under which the sum is right, or null. */
function checksumForm(bytes: Uint8Array, route: Route, version: 2 | 3): ChecksumForm | null {
  if (version === 3 && onesComplementSum(bytes, pseudoHeaderSum(route, bytes.length)) === 0xffff)
    return "pseudo-header";
  const mayBeAlone = familyOf(route.source) === 4;
  return mayBeAlone && onesComplementSum(bytes) === 0xffff ? "message-only" : null;
}

/**
 * Source, destination, protocol and length: RFC 8200 §8.1, and the same for IPv4 by way of RFC 5798 §5.2.8. The
 * order and width of the fields makes no difference to a sum.
 */
export function pseudoHeaderSum(route: Route, length: number): number {
  const addresses = concatBytes(addressBytes(route.source), addressBytes(route.destination));
  return onesComplementSum(addresses, vrrpProtocol + length);
}
