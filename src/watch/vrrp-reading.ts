import { internetChecksum } from "../base/internet-checksum.ts";
import { checksumOffset, decodeAdvert, pseudoHeaderSum } from "../vrrp/packet.ts";
import type { IpEnvelope, MalformedCause, VrrpReading } from "./packet.ts";

/** PURE: reads VRRP as the elections do, and says more about what they would only drop. */

/** What is known of the bytes beside themselves. */
export interface Circumstances {
  readonly isFragment: boolean;
  /** The capture took only the beginning of the frame. */
  readonly isCut: boolean;
  readonly hasAuthenticationHeader: boolean;
}

/** The TTL is a finding of its own, and no reason not to read on. */
const anyTtl = { min: 0, max: 255 } as const;

/** Reads what came after the IP header; never throws. */
export function readVrrp(bytes: Uint8Array, outside: IpEnvelope, around: Circumstances): VrrpReading {
  if (around.isFragment) return malformed(bytes, "fragment", "it is a fragment of an IP packet");
  const decoded = decodeAdvert(bytes, outside, anyTtl);
  if (decoded.kind !== "malformed") {
    if (decoded.kind === "request") return { kind: "request", advert: decoded.advert };
    return { ...decoded, kind: "advert", hasAuthenticationHeader: around.hasAuthenticationHeader };
  }
  const { cause, explanation } = decoded;
  if (around.isCut) return malformed(bytes, "cut", "the capture has only the beginning of it");
  if (cause === "checksum") return malformed(bytes, cause, checksumText(bytes, outside));
  return malformed(bytes, cause === "ttl" ? "type" : cause, explanation);
}

function malformed(bytes: Uint8Array, cause: MalformedCause, explanation: string): VrrpReading {
  const version = bytes[0] === undefined ? null : bytes[0] >> 4;
  const isLegible = cause !== "fragment";
  return {
    kind: "malformed",
    cause,
    explanation,
    version: isLegible ? version : null,
    vrid: isLegible ? (bytes[1] ?? null) : null,
    priority: isLegible ? (bytes[2] ?? null) : null,
  };
}

function checksumText(bytes: Uint8Array, outside: IpEnvelope): string {
  const found = ((bytes[checksumOffset] ?? 0) << 8) | (bytes[checksumOffset + 1] ?? 0);
  const version = (bytes[0] ?? 0) >> 4;
  // A signature is not covered over IPv4.
  const count = bytes[3] ?? 0;
  const covered = outside.family === 4 && version === 3 ? bytes.slice(0, 8 + 4 * count) : bytes.slice();
  covered.fill(0, checksumOffset, checksumOffset + 2);
  const alone = hex(internetChecksum(covered));
  const withHeader = hex(internetChecksum(covered, pseudoHeaderSum(outside, covered.length)));
  const right =
    outside.family === 6
      ? withHeader
      : version === 2
        ? alone
        : `${withHeader} (with pseudo-header) or ${alone} (without)`;
  return `its checksum is ${hex(found)} and should be ${right}`;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(4, "0")}`;
}
