import { addressBytes, familyOf } from "../../src/base/address.ts";
import { concatBytes, fromHex } from "../../src/base/bytes.ts";
import { internetChecksum } from "../../src/base/internet-checksum.ts";
import { type Advert, encodeAdvert, noAuthentication } from "../../src/vrrp/packet.ts";

/** What differs from an advertisement of version 3 for VRID 51 by 192.0.2.11, priority 200, every 100 ms. */
export interface FrameWish extends Partial<Advert> {
  readonly source?: string;
  readonly destination?: string;
  readonly ttl?: number;
  readonly mac?: string;
  readonly vlan?: number;
  readonly form?: "pseudo-header" | "message-only";
  /** Changes the message before it is wrapped. */
  readonly change?: (message: Uint8Array) => Uint8Array;
}

/** Makes the Ethernet frame of an advertisement. */
export function vrrpFrame(wish: FrameWish = {}): Uint8Array {
  const { source = "192.0.2.11", ttl = 255, form = "pseudo-header", change = (message) => message } = wish;
  const family = familyOf(source);
  const destination = wish.destination ?? (family === 4 ? "224.0.0.18" : "ff02::12");
  const advert: Advert = {
    family,
    version: wish.version ?? 3,
    vrid: wish.vrid ?? 51,
    priority: wish.priority ?? 200,
    intervalMs: wish.intervalMs ?? 100,
    addresses: wish.addresses ?? (family === 4 ? ["192.0.2.100"] : ["fe80::100"]),
    auth: wish.auth ?? noAuthentication,
  };
  const message = change(encodeAdvert(advert, { source, destination }, form));
  return ethernetFrame(ipPacket({ source, destination, ttl, protocol: 112 }, message), wish);
}

/** Wraps a payload in an IP header. */
export function ipPacket(
  {
    source,
    destination,
    ttl,
    protocol,
  }: { source: string; destination: string; ttl: number; protocol: number },
  payload: Uint8Array,
): Uint8Array {
  const addresses = concatBytes(addressBytes(source), addressBytes(destination));
  if (familyOf(source) === 6) {
    const header = Uint8Array.of(0x6c, 0, 0, 0, payload.length >> 8, payload.length & 255, protocol, ttl);
    return concatBytes(header, addresses, payload);
  }
  const length = 20 + payload.length;
  const header = concatBytes(
    Uint8Array.of(0x45, 0xc0, length >> 8, length & 255, 0, 0, 0, 0, ttl, protocol, 0, 0),
    addresses,
  );
  new DataView(header.buffer).setUint16(10, internetChecksum(header));
  return concatBytes(header, payload);
}

/** Wraps an IP packet in an Ethernet header. */
export function ethernetFrame(
  packet: Uint8Array,
  { mac = "020000000011", vlan }: { mac?: string; vlan?: number } = {},
): Uint8Array {
  const tag = vlan === undefined ? new Uint8Array(0) : Uint8Array.of(0x81, 0, vlan >> 8, vlan & 255);
  const type = (packet[0] ?? 0) >> 4 === 4 ? "0800" : "86dd";
  return concatBytes(fromHex("01005e000012"), fromHex(mac), tag, fromHex(type), packet);
}

/** Makes a gratuitous ARP request. */
export function arpFrame(address: string, mac = "020000000011"): Uint8Array {
  const ip = addressBytes(address);
  const head = fromHex("0806000108000604 0001");
  return concatBytes(fromHex("ffffffffffff"), fromHex(mac), head, fromHex(mac), ip, new Uint8Array(6), ip);
}
