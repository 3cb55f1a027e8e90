import { addressBytes, familyOf } from "../base/address.ts";
import { concatBytes } from "../base/bytes.ts";

/**
 * The 28 bytes behind a version 3 message that prove who sent it: HMAC-SHA256 cut to 128 bits, after
 * draft-cassen-vrrp-auth-hmac, for IPv4 and IPv6. PURE: the hash comes in as a parameter, keys and times as values.
 *
 * ```
 *  0       1        2          4          8            10        12          28
 *  | type 1 | key id | reserved | seconds | 1/65536 s | counter | HMAC-128 |
 * ```
 */

/** Computes HMAC-SHA256. */
export type Hash = (key: Uint8Array, text: Uint8Array) => Uint8Array;

/** A message without its trailer, and the address it comes from. */
export interface SignedText {
  readonly message: Uint8Array;
  readonly source: string;
}

/** What a sender puts into a trailer. */
export interface Signing {
  /** 1–255. */
  readonly keyId: number;
  readonly key: Uint8Array;
  /** Seconds, 65536ths and counter as one number of 64 bits. */
  readonly stamp: bigint;
}

/** What a trailer says, before anything about it is believed. */
export interface Trailer {
  /** 1 is HMAC-SHA256 cut to 128 bits. */
  readonly type: number;
  readonly keyId: number;
  readonly stamp: bigint;
}

/** Length of a trailer in bytes. */
export const trailerLength = 28;

/** The one type there is. */
export const trailerType = 1;

const macOffset = 12;
const macLength = 16;

/** Makes the trailer of a message. */
export function makeTrailer(hash: Hash, signing: Signing, text: SignedText): Uint8Array {
  const trailer = new Uint8Array(trailerLength);
  const view = new DataView(trailer.buffer);
  view.setUint8(0, trailerType);
  view.setUint8(1, signing.keyId);
  view.setBigUint64(4, signing.stamp);
  trailer.set(macOf({ hash, key: signing.key }, text, trailer), macOffset);
  return trailer;
}

/** Reads the fields of a trailer of 28 bytes. */
export function readTrailer(trailer: Uint8Array): Trailer {
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  return { type: view.getUint8(0), keyId: view.getUint8(1), stamp: view.getBigUint64(4) };
}

/** Tells whether a trailer was made with `key` for this very message from this very source. */
export function isGenuine(
  by: { readonly hash: Hash; readonly key: Uint8Array },
  text: SignedText,
  trailer: Uint8Array,
): boolean {
  if (trailer.length !== trailerLength) return false;
  return areEqualInConstantTime(macOf(by, text, trailer), trailer.subarray(macOffset));
}

function macOf(
  { hash, key }: { readonly hash: Hash; readonly key: Uint8Array },
  { message, source }: SignedText,
  trailer: Uint8Array,
): Uint8Array {
  const unsummed = Uint8Array.from(message);
  unsummed.fill(0, 6, 8);
  const pseudoHeader = new Uint8Array(20);
  pseudoHeader.set([familyOf(source), (message[0] ?? 0) >> 4, message[1] ?? 0, 0]);
  pseudoHeader.set(addressBytes(source), 4);
  const head = trailer.subarray(0, macOffset);
  const text = concatBytes(pseudoHeader, unsummed, head, new Uint8Array(macLength));
  return hash(key, text).subarray(0, macLength);
}

/** Takes as long wherever the two differ, so that an attacker learns nothing from the time. */
function areEqualInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
}
