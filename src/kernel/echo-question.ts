import { familyOf } from "../base/address.ts";

/** PURE: ICMP echo (RFC 792, RFC 4443 §4.1) as a raw socket of each family gives and takes it. */

const types = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;

/** What ties a reply to its request. */
export interface EchoMark {
  readonly identifier: number;
  readonly sequence: number;
}

/** Makes an echo request; over IPv6 the kernel fills in the checksum. */
export function echoRequest(target: string, { identifier, sequence }: EchoMark): Uint8Array {
  const family = familyOf(target);
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, types[family].request);
  view.setUint16(4, identifier, false);
  view.setUint16(6, sequence, false);
  if (family === 4) view.setUint16(2, checksum(view), false);
  return bytes;
}

/** Reads the mark of an echo reply: over IPv4 the socket gives the IP header too; null if it is none. */
export function echoReply(target: string, packet: Uint8Array): EchoMark | null {
  const family = familyOf(target);
  const start = family === 4 ? ((packet[0] ?? 0) & 0x0f) * 4 : 0;
  if (packet.length < start + 8) return null;
  const view = new DataView(packet.buffer, packet.byteOffset + start, packet.byteLength - start);
  if (view.getUint8(0) !== types[family].reply || view.getUint8(1) !== 0) return null;
  return { identifier: view.getUint16(4, false), sequence: view.getUint16(6, false) };
}

/** RFC 1071, over a message of even length whose checksum field is 0. */
function checksum(view: DataView): number {
  let sum = 0;
  for (let at = 0; at < view.byteLength; at += 2) sum += view.getUint16(at, false);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
