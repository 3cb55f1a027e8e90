import type { Family } from "../base/address.ts";
import type { Decoded as BfdDecoded } from "../vrrp/bfd/packet.ts";
import type { Advert, ChecksumForm, Malformation } from "../vrrp/packet.ts";

/**
 * `edge-ha watch`: says what is on the wire and what is wrong with it. Frames come from an interface or from a file
 * (live-frames.ts, capture-reader.ts), are read layer by layer (link-layer.ts, dissect.ts) and judged (analyst.ts); what
 * there is to say is written by text.ts and json.ts. PURE but for live-frames.ts: times come with the frames. It takes part in
 * no election and sends nothing.
 *
 * This file: what a frame is read as.
 */

/** A frame as it was captured. */
export interface CapturedFrame {
  /** Milliseconds since 1970, with a fraction. */
  readonly atMs: number;
  /** Null where a file does not say. */
  readonly interface: string | null;
  /** LINKTYPE_ number of the capture files (link-layer.ts has those that are known). */
  readonly linkType: number;
  readonly bytes: Uint8Array;
  /** Length on the wire, of which `bytes` may be the beginning only. */
  readonly wireLength: number;
}

/** Where and when a packet was seen. */
export interface Envelope {
  readonly atMs: number;
  readonly interface: string | null;
  /** VLAN ids, the outermost first. */
  readonly vlans: readonly number[];
  /** Null on links without. */
  readonly sourceMac: string | null;
}

/** An IP packet's outside. */
export interface IpEnvelope extends Envelope {
  readonly family: Family;
  readonly source: string;
  readonly destination: string;
  /** IPv6: the hop limit. */
  readonly ttl: number;
}

/** Why bytes are no advertisement; `fragment` and `cut` are seen here only. */
export type MalformedCause = Exclude<Malformation, "ttl"> | "fragment" | "cut";

/** What the bytes behind an IP header say; the TTL is not looked at. */
export type VrrpReading =
  | {
      readonly kind: "advert";
      readonly advert: Advert;
      readonly checksum: ChecksumForm;
      readonly message: Uint8Array;
      readonly trailer: Uint8Array | null;
      /** Whether it came in an authentication header (RFC 2402), which RFC 2338 had as type 2. */
      readonly hasAuthenticationHeader: boolean;
    }
  /** A backup of edge-ha asks the holder to hand over, or is answered. */
  | { readonly kind: "request"; readonly advert: Advert }
  | {
      readonly kind: "malformed";
      readonly cause: MalformedCause;
      /** Sentence fragment with the values at fault. */
      readonly explanation: string;
      /** What the first bytes seem to say, as far as there are any. */
      readonly version: number | null;
      readonly vrid: number | null;
      readonly priority: number | null;
    };

/** VRRP, well-formed or not. */
export interface VrrpPacket extends IpEnvelope {
  readonly kind: "vrrp";
  readonly reading: VrrpReading;
}

/** ARP or neighbour discovery that says which hardware address has an address. */
export interface NeighbourPacket extends Envelope {
  readonly kind: "neighbour";
  readonly protocol: "arp" | "ndp";
  /** Told to all unasked, or an answer (or question) that says so in passing. */
  readonly isGratuitous: boolean;
  readonly address: string;
  readonly mac: string;
}

/** A BFD control packet. */
export interface BfdPacket extends IpEnvelope {
  readonly kind: "bfd";
  /** Port 4784 (RFC 5883) in place of 3784 (RFC 5881). */
  readonly isMultihop: boolean;
  readonly reading: BfdDecoded;
}

/** What is looked at. */
export type Packet = VrrpPacket | NeighbourPacket | BfdPacket;
