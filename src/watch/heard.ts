import { compareAddresses } from "../base/address.ts";
import { toHex } from "../base/bytes.ts";
import { readTrailer, type Trailer } from "../vrrp/hmac-trailer.ts";
import type { Advert, ChecksumForm } from "../vrrp/packet.ts";
import { skewMs } from "../vrrp/timers.ts";
import type { VrrpPacket } from "./packet.ts";

/** PURE: an advertisement that was heard, and what follows from it alone. */

/** How an advertisement proves where it comes from; `proof` tells two passwords apart and is never shown. */
export interface Credentials {
  readonly kind: "none" | "pass" | "hmac" | "header" | "unknown";
  /** What people call it, such as `HMAC key 1`. */
  readonly text: string;
  readonly proof: string;
}

/** One well-formed advertisement. */
export interface Heard {
  readonly packet: VrrpPacket;
  readonly advert: Advert;
  readonly atMs: number;
  readonly source: string;
  readonly destination: string;
  readonly checksum: ChecksumForm;
  readonly message: Uint8Array;
  readonly signature: Uint8Array | null;
  readonly trailer: Trailer | null;
  readonly credentials: Credentials;
}

/** Gives what an advertisement says, or null if a packet is none. */
export function heardIn(packet: VrrpPacket): Heard | null {
  const { reading, atMs, source, destination } = packet;
  if (reading.kind !== "advert") return null;
  const { advert, checksum, message, trailer: signature, hasAuthenticationHeader } = reading;
  const trailer = signature === null ? null : readTrailer(signature);
  const credentials = credentialsOf(advert, trailer, hasAuthenticationHeader);
  return { packet, advert, atMs, source, destination, checksum, message, signature, trailer, credentials };
}

function credentialsOf(advert: Advert, trailer: Trailer | null, hasHeader: boolean): Credentials {
  if (hasHeader) return { kind: "header", text: "IP authentication header", proof: "" };
  if (trailer !== null) return { kind: "hmac", text: `HMAC key ${trailer.keyId}`, proof: `${trailer.keyId}` };
  const { type, data } = advert.auth;
  if (advert.version === 3 || type === 0) return { kind: "none", text: "none", proof: "" };
  if (type === 1) return { kind: "pass", text: "PASS", proof: toHex(data) };
  return { kind: "unknown", text: `type ${type}`, proof: "" };
}

/** Whether `a` wins an election against `b` (RFC 9568 §6.4.3). */
export function outranks(a: Heard, b: Heard): boolean {
  if (a.advert.priority !== b.advert.priority) return a.advert.priority > b.advert.priority;
  return a.advert.family === b.advert.family && compareAddresses(a.source, b.source) > 0;
}

/** When any backup would have claimed what an active router left by falling silent: that of priority 1 is the last. */
export function silenceMs({ advert }: Heard): number {
  return 3 * advert.intervalMs + lastSkewMs(advert);
}

/** As `silenceMs`, for one that has resigned. */
export function lastSkewMs({ version, intervalMs }: Pick<Advert, "version" | "intervalMs">): number {
  return skewMs({ version, priority: 1, intervalMs });
}

/** Tells whether an address is a group. */
export function isGroup(address: string): boolean {
  if (address.includes(":")) return address.startsWith("ff");
  const first = Number(address.split(".")[0]);
  return first >= 224 && first < 240;
}
