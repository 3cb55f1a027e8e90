import { formatMac } from "../kernel/frames.ts";
import type { CapturedFrame } from "./packet.ts";

/** PURE: what lies around an IP or ARP packet, for the kinds of capture that tcpdump and tshark write. */

/** LINKTYPE_ numbers. */
export const linkType = {
  loopback: 0,
  ethernet: 1,
  raw: 101,
  openLoopback: 108,
  cooked: 113,
  ipv4: 228,
  ipv6: 229,
  cooked2: 276,
} as const;

/** The EtherTypes that are looked at. */
export const etherType = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;

/** What a frame carries. */
export interface Carried {
  readonly etherType: number;
  readonly body: Uint8Array;
  readonly sourceMac: string | null;
  readonly vlans: readonly number[];
  /** What cooked captures of the second kind know of the interface. */
  readonly interfaceIndex: number | null;
}

type Layer = Omit<Carried, "vlans" | "interfaceIndex"> & Partial<Pick<Carried, "interfaceIndex">>;

const vlanTypes: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);
const mostTags = 4;
/** ARPHRD_ETHER and ARPHRD_LOOPBACK: what a cooked header calls links with hardware addresses of six bytes. */
const macLength = 6;

/** Tells whether frames of a kind of capture can be read. */
export function isKnownLinkType(type: number): boolean {
  return (Object.values(linkType) as readonly number[]).includes(type) || rawTypes.has(type);
}

/** LINKTYPE_RAW is 101 in files; what systems use inside gets into files by mistake. */
const rawTypes: ReadonlySet<number> = new Set([12, 14, linkType.raw, linkType.ipv4, linkType.ipv6]);

/** Takes off what is around a packet, VLAN tags included; null if there is too little of it or its kind is unknown. */
export function carriedBy({ linkType: type, bytes }: CapturedFrame): Carried | null {
  const layer = outerLayer(type, bytes);
  return layer === null ? null : withoutTags(layer);
}

function outerLayer(type: number, bytes: Uint8Array): Layer | null {
  if (rawTypes.has(type)) return bareIp(bytes);
  switch (type) {
    case linkType.ethernet:
      if (bytes.length < 14) return null;
      return {
        etherType: half(bytes, 12),
        body: bytes.subarray(14),
        sourceMac: formatMac(bytes.subarray(6, 12)),
      };
    case linkType.cooked:
      // Packet type, ARPHRD type, length of the address, address in 8 bytes, protocol.
      if (bytes.length < 16) return null;
      return {
        etherType: half(bytes, 14),
        body: bytes.subarray(16),
        sourceMac: macAt(bytes, 6, half(bytes, 4)),
      };
    case linkType.cooked2:
      // Protocol, reserved, interface index, ARPHRD type, packet type, length of the address, address in 8 bytes.
      if (bytes.length < 20) return null;
      return {
        etherType: half(bytes, 0),
        body: bytes.subarray(20),
        sourceMac: macAt(bytes, 12, bytes[11] ?? 0),
        interfaceIndex: half(bytes, 4) * 0x1_0000 + half(bytes, 6),
      };
    case linkType.loopback:
    case linkType.openLoopback:
      return bytes.length < 4 ? null : bareIp(bytes.subarray(4));
    default:
      return null;
  }
}

function bareIp(bytes: Uint8Array): Layer | null {
  const version = (bytes[0] ?? 0) >> 4;
  if (version !== 4 && version !== 6) return null;
  return { etherType: version === 4 ? etherType.ipv4 : etherType.ipv6, body: bytes, sourceMac: null };
}

function withoutTags(layer: Layer): Carried | null {
  let { etherType: type, body } = layer;
  const vlans: number[] = [];
  while (vlanTypes.has(type)) {
    if (body.length < 4 || vlans.length === mostTags) return null;
    vlans.push(half(body, 0) & 0x0fff);
    type = half(body, 2);
    body = body.subarray(4);
  }
  const { sourceMac, interfaceIndex = null } = layer;
  return { etherType: type, body, sourceMac, vlans, interfaceIndex };
}

function macAt(bytes: Uint8Array, offset: number, length: number): string | null {
  return length === macLength ? formatMac(bytes.subarray(offset, offset + macLength)) : null;
}

function half(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}
