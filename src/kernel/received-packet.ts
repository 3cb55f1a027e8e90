import { addressFromBytes } from "../base/address.ts";
import type { Received } from "../native/index.ts";

/** A packet that arrived on a raw socket of either family. */
export interface ReceivedPacket {
  /** What follows the IP header. */
  readonly payload: Uint8Array;
  readonly source: string;
  readonly destination: string;
  /** IPv6: the hop limit. */
  readonly ttl: number;
  /** What the header says about the length of header and payload. */
  readonly totalLength: number;
}

const ipv6HeaderLength = 40;

/**
 * PURE: puts together what arrived on a raw IPv6 socket, which keeps the header to itself: the source is in the socket
 * address, hop limit and destination in the ancillary data (RFC 3542 §6). Null if the kernel told not all of it.
 */
export function ipv6Packet(
  received: Pick<Received, "source" | "ttl" | "destination">,
  payload: Uint8Array,
): ReceivedPacket | null {
  const { source, ttl, destination } = received;
  if (ttl === null || destination?.length !== 16 || source.length < 24) return null;
  return {
    payload: payload.slice(),
    source: addressFromBytes(source.subarray(8, 24)),
    destination: addressFromBytes(destination),
    ttl,
    totalLength: ipv6HeaderLength + payload.length,
  };
}
