import { addressBytes } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { concatBytes } from "../base/bytes.ts";
import { internetChecksum, onesComplementSum } from "../base/internet-checksum.ts";

/**
 * PURE: neighbour discovery (RFC 4861), as much of it as a takeover needs. The solicited-node group of a new address is
 * not joined here: the kernel does that, and reports it by MLD, when the address is added.
 */

/** How neighbours are told of an address. */
export interface NeighborAdvertisement {
  /** Where the address is now. */
  readonly mac: Uint8Array;
  /** The IPv6 address; also the source, as in the kernel's own unsolicited advertisements. */
  readonly address: string;
  /** The R flag: whether this node forwards packets. */
  readonly isRouter: boolean;
}

const allNodesMac = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);
const allNodes = addressBytes("ff02::1");
const etherType = Uint8Array.of(0x86, 0xdd);
const icmpv6 = 58;
const neighborAdvertisement = 136;
const flag = { router: 0x80, override: 0x20 } as const;
// RFC 4861 §4.6.1: type 2, in units of eight bytes.
const targetLinkLayerOption = Uint8Array.of(2, 1);

/**
 * Makes the Ethernet frame of an unsolicited neighbour advertisement to all nodes: S clear, O set, so that an entry that
 * a neighbour has is overwritten (RFC 4861 §7.2.6, RFC 9568 §6.4.1).
 */
export function unsolicitedAdvertisement(advertisement: NeighborAdvertisement): Uint8Array {
  const { mac, isRouter } = advertisement;
  const address = addressBytes(advertisement.address);
  assert(mac.length === 6 && address.length === 16, "neighbour advertisements are for Ethernet and IPv6");
  const flags = flag.override | (isRouter ? flag.router : 0);
  const head = Uint8Array.of(neighborAdvertisement, 0, 0, 0, flags, 0, 0, 0);
  const message = concatBytes(head, address, targetLinkLayerOption, mac);
  // RFC 8200 §8.1: source, destination, length, next header.
  const pseudoHeader = concatBytes(address, allNodes, Uint8Array.of(0, message.length, 0, icmpv6));
  new DataView(message.buffer).setUint16(2, internetChecksum(message, onesComplementSum(pseudoHeader)));
  // RFC 4861 §4.4: hop limit 255. Traffic class 0xc0, as advertisements have it.
  const ipHeader = Uint8Array.of(0x6c, 0, 0, 0, 0, message.length, icmpv6, 255);
  return concatBytes(allNodesMac, mac, etherType, ipHeader, address, allNodes, message);
}
