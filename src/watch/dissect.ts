import { addressFromBytes } from "../base/address.ts";
import { formatMac, readArp, readIp, type IpPacket } from "../kernel/frames.ts";
import { decodeControl } from "../vrrp/bfd/packet.ts";
import { vrrpProtocol } from "../vrrp/packet.ts";
import { carriedBy, etherType, type Carried } from "./link-layer.ts";
import type { BfdPacket, CapturedFrame, Envelope, IpEnvelope, NeighbourPacket, Packet } from "./packet.ts";
import { readVrrp } from "./vrrp-reading.ts";

/** PURE: from a frame to what it says, for the few protocols that matter here. */

const protocol = { udp: 17, authenticationHeader: 51, icmpv6: 58 } as const;
/** RFC 5881 §4 and RFC 5883 §5. */
const bfdPort = { singleHop: 3784, multihop: 4784 } as const;
/** The end of the year 9999. */
const lastMs = 253_402_300_799_999;
const neighbourAdvertisement = 136;
const solicitedFlag = 0x40;
const targetLinkLayerOption = 2;

/** Reads a frame; null is anything that is not looked at. Never throws. */
export function dissect(frame: CapturedFrame): Packet | null {
  const carried = carriedBy(frame);
  if (carried === null) return null;
  const index = carried.interfaceIndex;
  const on = frame.interface ?? (index === null ? null : `interface ${index}`);
  // A damaged file has any number.
  const atMs = Math.min(Math.max(frame.atMs, 0), lastMs);
  const envelope: Envelope = { atMs, interface: on, vlans: carried.vlans, sourceMac: carried.sourceMac };
  if (carried.etherType === etherType.arp) return readAnnouncement(envelope, carried.body);
  const isIp = carried.etherType === etherType.ipv4 || carried.etherType === etherType.ipv6;
  return isIp ? readPacket(envelope, carried, frame.bytes.length < frame.wireLength) : null;
}

function readAnnouncement(envelope: Envelope, body: Uint8Array): NeighbourPacket | null {
  const arp = readArp(body);
  // RFC 5227 §2.1.1: who only asks whether an address is free has none yet.
  if (arp === null || arp.sender === "0.0.0.0") return null;
  const { sender: address, senderMac: mac, target } = arp;
  return { ...envelope, kind: "neighbour", protocol: "arp", isGratuitous: target === address, address, mac };
}

function readPacket(envelope: Envelope, carried: Carried, isCut: boolean): Packet | null {
  const ip = readIp(carried.body, envelope.sourceMac ?? "");
  if (ip === null) return null;
  const family = carried.etherType === etherType.ipv4 ? 4 : 6;
  const { source, destination, ttl } = ip;
  const outside: IpEnvelope = { ...envelope, family, source, destination, ttl };
  const isFragment = family === 4 && (((carried.body[6] ?? 0) & 0x3f) !== 0 || carried.body[7] !== 0);
  const inner = ip.protocol === protocol.authenticationHeader ? insideHeader(ip.payload) : null;
  if (ip.protocol === vrrpProtocol || inner !== null) {
    const reading = readVrrp(inner ?? ip.payload, outside, {
      isFragment,
      isCut,
      hasAuthenticationHeader: inner !== null,
    });
    return { ...outside, kind: "vrrp", reading };
  }
  if (isFragment) return null;
  if (ip.protocol === protocol.udp) return readBfd(outside, ip);
  return ip.protocol === protocol.icmpv6 && family === 6 ? readNeighbour(envelope, ip) : null;
}

/** RFC 2402 §2: next header, and the header's own length in words, less two. */
function insideHeader(payload: Uint8Array): Uint8Array | null {
  const [next = 0, words = 0] = payload;
  const length = (words + 2) * 4;
  return next === vrrpProtocol && payload.length >= length ? payload.subarray(length) : null;
}

function readBfd(outside: IpEnvelope, { payload }: IpPacket): BfdPacket | null {
  if (payload.length < 8) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const port = view.getUint16(2);
  if (port !== bfdPort.singleHop && port !== bfdPort.multihop) return null;
  const isMultihop = port === bfdPort.multihop;
  const bytes = payload.subarray(8, view.getUint16(4));
  // RFC 5883 §5: what comes over several hops may have any TTL.
  return {
    ...outside,
    kind: "bfd",
    isMultihop,
    reading: decodeControl(bytes, isMultihop ? 255 : outside.ttl),
  };
}

/** RFC 4861 §4.4 and §7.1.2. */
function readNeighbour(envelope: Envelope, { payload, ttl }: IpPacket): NeighbourPacket | null {
  if (payload.length < 24 || payload[0] !== neighbourAdvertisement || ttl !== 255) return null;
  const mac = targetMac(payload.subarray(24)) ?? envelope.sourceMac;
  if (mac === null) return null;
  const isGratuitous = ((payload[4] ?? 0) & solicitedFlag) === 0;
  const address = addressFromBytes(payload.subarray(8, 24));
  return { ...envelope, kind: "neighbour", protocol: "ndp", isGratuitous, address, mac };
}

function targetMac(options: Uint8Array): string | null {
  for (let at = 0; at + 8 <= options.length;) {
    const length = (options[at + 1] ?? 0) * 8;
    if (options[at] === targetLinkLayerOption && length === 8)
      return formatMac(options.subarray(at + 2, at + 8));
    if (length === 0) return null;
    at += length;
  }
  return null;
}
