import { addressBytes, addressFromBytes } from "../base/address.ts";
import { concatBytes } from "../base/bytes.ts";

/** PURE: what the frames say that others send: ARP (RFC 826), and which IP packet a frame carries. */

/** An ARP message over Ethernet about IPv4. */
export interface ArpMessage {
  readonly kind: "arp";
  readonly operation: "request" | "reply";
  readonly senderMac: string;
  readonly sender: string;
  readonly target: string;
}

/** An IP packet's outside. */
export interface IpPacket {
  readonly kind: "ip";
  readonly sourceMac: string;
  readonly source: string;
  readonly destination: string;
  /** IPv6: the hop limit. */
  readonly ttl: number;
  readonly protocol: number;
  /** The header's word for it may be more than there is. */
  readonly payload: Uint8Array;
}

const ethernetLength = 14;
const vlanTypes: ReadonlySet<number> = new Set([0x8100, 0x88a8]);
const etherType = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;

/** Reads an Ethernet frame, past VLAN tags; null is anything but ARP and IP, or not whole. */
export function readFrame(frame: Uint8Array): ArpMessage | IpPacket | null {
  let start = ethernetLength;
  let type = half(frame, 12);
  while (vlanTypes.has(type)) {
    type = half(frame, start + 2);
    start += 4;
  }
  const body = frame.subarray(start);
  const sourceMac = formatMac(frame.subarray(6, 12));
  if (type === etherType.arp) return readArp(body);
  return type === etherType.ipv4 || type === etherType.ipv6 ? readIp(body, sourceMac) : null;
}

/** Reads an IP packet of either version without a frame around it. */
export function readIp(packet: Uint8Array, sourceMac: string): IpPacket | null {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4) return readIpv4(packet, sourceMac);
  return version === 6 ? readIpv6(packet, sourceMac) : null;
}

/** Writes a hardware address as `02:00:5e:00:53:01`. */
export function formatMac(mac: Uint8Array): string {
  return [...mac].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/**
 * Makes the frame that asks who else has an address without telling anybody to send there: an ARP probe, whose sender
 * address is 0.0.0.0 (RFC 5227 §2.1.1).
 */
export function arpProbe(mac: Uint8Array, address: string): Uint8Array {
  const head = Uint8Array.of(0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1);
  const broadcast = new Uint8Array(6).fill(0xff);
  return concatBytes(broadcast, mac, head, mac, new Uint8Array(4), new Uint8Array(6), addressBytes(address));
}

/** Reads ARP about IPv4 over Ethernet, without the frame around it; null is anything else. */
export function readArp(body: Uint8Array): ArpMessage | null {
  const isIpv4OnEthernet =
    half(body, 0) === 1 && half(body, 2) === etherType.ipv4 && half(body, 4) === 0x0604;
  const operation = half(body, 6);
  if (body.length < 28 || !isIpv4OnEthernet || (operation !== 1 && operation !== 2)) return null;
  return {
    kind: "arp",
    operation: operation === 1 ? "request" : "reply",
    senderMac: formatMac(body.subarray(8, 14)),
    sender: addressFromBytes(body.subarray(14, 18)),
    target: addressFromBytes(body.subarray(24, 28)),
  };
}

function readIpv4(packet: Uint8Array, sourceMac: string): IpPacket | null {
  const headerLength = ((packet[0] ?? 0) & 15) * 4;
  const totalLength = half(packet, 2);
  if (headerLength < 20 || packet.length < headerLength || totalLength < headerLength) return null;
  return {
    kind: "ip",
    sourceMac,
    source: addressFromBytes(packet.subarray(12, 16)),
    destination: addressFromBytes(packet.subarray(16, 20)),
    ttl: packet[8] ?? 0,
    protocol: packet[9] ?? 0,
    payload: packet.subarray(headerLength, totalLength),
  };
}

function readIpv6(packet: Uint8Array, sourceMac: string): IpPacket | null {
  const headerLength = 40;
  if (packet.length < headerLength) return null;
  return {
    kind: "ip",
    sourceMac,
    source: addressFromBytes(packet.subarray(8, 24)),
    destination: addressFromBytes(packet.subarray(24, 40)),
    ttl: packet[7] ?? 0,
    protocol: packet[6] ?? 0,
    payload: packet.subarray(headerLength, headerLength + half(packet, 4)),
  };
}

function half(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}
