import { addressBytes, addressFromBytes } from "../base/address.ts";
import { concatBytes } from "../base/bytes.ts";
import { trailerLength } from "./hmac-trailer.ts";

/**
 * VRRP messages over IPv4: version 2 as RFC 3768 and RFC 2338 §5.3 draw it, version 3 as RFC 9568 §5.1.
 * PURE bytes to values and back; whether a message is meant for an instance is receive.ts's question.
 */

/** An advertisement of either version. */
export interface Advert {
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

/** How the sum of version 3 over IPv4 is made: deployed routers take in a pseudo-header, RFC 9568 §5.2.8 does not. */
export type ChecksumForm = "pseudo-header" | "message-only";

/** The IPv4 addresses a message travels between. */
export interface Route {
  readonly source: string;
  readonly destination: string;
}

/** Why bytes are no advertisement, in the order of the checks of RFC 9568 §7.1. */
export type Malformation = "ttl" | "version" | "type" | "length" | "checksum" | "vrid" | "count" | "interval";

/** What became of received bytes. */
export type Decoded =
  | {
      readonly kind: "advert";
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

/** The 8 bytes without authentication. */
export const noAuthentication: Authentication = { type: 0, data: new Uint8Array(8) };

const headerLength = 8;
const authLength = 8;

/** Makes the authentication field of a password of at most 8 bytes; null is none (RFC 2338 §5.3.6). */
export function authenticationOf(password: string | null): Authentication {
  if (password === null) return noAuthentication;
  const data = new Uint8Array(authLength);
  data.set(new TextEncoder().encode(password).subarray(0, authLength));
  return { type: 1, data };
}

/** Writes an advertisement for sending along `route`; version 2 has one form of checksum only. */
export function encodeAdvert(advert: Advert, route: Route, form: ChecksumForm): Uint8Array {
  const { version, vrid, priority, addresses } = advert;
  const timing =
    version === 2 ? [advert.auth.type, advert.intervalMs / 1000] : intervalBytes(advert.intervalMs);
  const header = Uint8Array.from([(version << 4) | 1, vrid, priority, addresses.length, ...timing, 0, 0]);
  const parts = [header, ...addresses.map(addressBytes)];
  const message = concatBytes(...parts, ...(version === 2 ? [advert.auth.data] : []));
  const withPseudoHeader = version === 3 && form === "pseudo-header";
  const sum = foldedSum(message, withPseudoHeader ? pseudoHeaderSum(route, message.length) : 0);
  new DataView(message.buffer).setUint16(6, ~sum & 0xffff);
  return message;
}

/** Reads what came after the IPv4 header; never throws. */
export function decodeAdvert(received: Uint8Array, route: Route & { readonly ttl: number }): Decoded {
  const vrid = received[1] ?? null;
  const malformed = (cause: Malformation, explanation: string): Decoded => {
    return { kind: "malformed", cause, explanation, vrid };
  };
  // RFC 9568 §7.1: a TTL below 255 has passed a router.
  if (route.ttl !== 255) return malformed("ttl", `its TTL is ${route.ttl}, not 255`);
  const [first = 0, id = 0, priority = 0, count = 0, timingHigh = 0, timingLow = 0] = received;
  const version = first >> 4;
  if (version !== 2 && version !== 3) return malformed("version", `its version is ${version}`);
  if ((first & 15) !== 1) return malformed("type", `its type is ${first & 15}, not 1`);
  const expected = headerLength + 4 * count + (version === 2 ? authLength : 0);
  const isSigned = version === 3 && received.length === expected + trailerLength;
  if (received.length !== expected && !isSigned) {
    return malformed("length", `it has ${received.length} bytes where ${count} addresses need ${expected}`);
  }
  // The checksum of a signed message is that of the message without its trailer, in either form.
  const bytes = received.subarray(0, expected);
  const checksum = checksumForm(bytes, route, version);
  if (checksum === null) return malformed("checksum", "its checksum is wrong");
  if (id === 0) return malformed("vrid", "its VRID is 0");
  // RFC 9568 erratum 8299: an advertisement without addresses is ignored.
  if (count === 0) return malformed("count", "it lists no address");
  // RFC 9568 §5.2.6: the four reserved bits are ignored.
  const intervalMs = version === 2 ? timingLow * 1000 : (((timingHigh & 15) << 8) | timingLow) * 10;
  if (intervalMs === 0) return malformed("interval", "its interval is 0");
  const addresses = Array.from({ length: count }, (_, index) => {
    return addressFromBytes(bytes.subarray(headerLength + 4 * index, headerLength + 4 * index + 4));
  });
  const auth = version === 2 ? { type: timingHigh, data: bytes.slice(-authLength) } : noAuthentication;
  const advert: Advert = { version, vrid: id, priority, intervalMs, addresses, auth };
  const trailer = isSigned ? received.subarray(expected) : null;
  return { kind: "advert", advert, checksum, message: bytes, trailer };
}

function intervalBytes(intervalMs: number): readonly [number, number] {
  const centiseconds = Math.round(intervalMs / 10);
  return [(centiseconds >> 8) & 15, centiseconds & 255];
}

/** Finds the form under which the sum is right, or null. */
function checksumForm(bytes: Uint8Array, route: Route, version: 2 | 3): ChecksumForm | null {
  if (version === 3 && foldedSum(bytes, pseudoHeaderSum(route, bytes.length)) === 0xffff)
    return "pseudo-header";
  return foldedSum(bytes, 0) === 0xffff ? "message-only" : null;
}

/** RFC 5798 §5.2.8 by way of RFC 2460 §8.1: source, destination, zero, protocol, length. */
function pseudoHeaderSum(route: Route, length: number): number {
  const addresses = concatBytes(addressBytes(route.source), addressBytes(route.destination));
  return foldedSum(addresses, vrrpProtocol + length);
}

/** RFC 1071: the one's complement sum of 16-bit words, on top of `start`. */
function foldedSum(bytes: Uint8Array, start: number): number {
  let sum = start;
  for (let index = 0; index < bytes.length; index += 2) {
    sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}
