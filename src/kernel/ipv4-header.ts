import { addressFromBytes } from "../base/address.ts";
import type { ReceivedPacket } from "./received-packet.ts";

/** PURE: takes the IPv4 header off a packet (RFC 791 §3.1); null if it is not whole. */
export function parseIpv4(packet: Uint8Array): ReceivedPacket | null {
  const first = packet[0];
  if (packet.length < 20 || first === undefined || first >> 4 !== 4) return null;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const headerLength = (first & 0x0f) * 4;
  const totalLength = view.getUint16(2, false);
  if (headerLength < 20 || headerLength > packet.length || totalLength < headerLength) return null;
  return {
    payload: packet.slice(headerLength, Math.min(totalLength, packet.length)),
    source: addressFromBytes(packet.subarray(12, 16)),
    destination: addressFromBytes(packet.subarray(16, 20)),
    ttl: view.getUint8(8),
    totalLength,
  };
}
