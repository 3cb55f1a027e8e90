import { addressBytes, addressFromBytes, type Family } from "../base/address.ts";
import { equalBytes } from "../base/bytes.ts";
import { onesComplementSum } from "../base/internet-checksum.ts";
import { assemble, drop, op, type Step, take } from "./filter-program.ts";
import { arpSenderFilter } from "./frame-filters.ts";
import { formatMac, readFrame } from "./frames.ts";
import { filterAll, testAll } from "./packet-filter.ts";

/** PURE: what neighbours say of where an address is: ARP of any kind, and neighbour advertisements (RFC 4861 §4.4). */

/** Word that a hardware address has an address. */
export interface NeighbourWord {
  readonly address: string;
  readonly mac: string;
  /** Whether it was said to this host alone, as an answer: what this host says itself never is. */
  readonly isAnswer: boolean;
}

const etherType6 = 0x86dd;
const icmpv6 = 58;
const neighborAdvertisement = 136;
const solicited = 0x40;
const targetLinkLayerOption = 2;
/** Offsets in a frame without tags: destination, IPv6 header, and what follows it. */
const at = { nextHeader: 20, hopLimit: 21, source: 22, message: 54, target: 62, options: 78 } as const;

/** Reads what a frame says of an address, as the host with this hardware address hears it; null if it is nothing. */
export function readNeighbourWord(frame: Uint8Array, ownMac: Uint8Array): NeighbourWord | null {
  const isToUs = equalBytes(frame.subarray(0, 6), ownMac);
  const arp = readFrame(frame);
  if (arp?.kind === "arp") {
    return { address: arp.sender, mac: arp.senderMac, isAnswer: isToUs && arp.operation === "reply" };
  }
  return isSoundAdvertisement(frame)
    ? {
        address: addressFromBytes(frame.subarray(at.target, at.options)),
        mac: formatMac(targetMac(frame) ?? frame.subarray(6, 12)),
        isAnswer: isToUs && ((frame[at.message + 4] ?? 0) & solicited) !== 0,
      }
    : null;
}

/** RFC 4861 §7.1.2: a hop limit of 255 proves that it comes from the link. */
function isSoundAdvertisement(frame: Uint8Array): boolean {
  if (frame.length < at.options) return false;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const length = view.getUint16(18, false);
  const message = frame.subarray(at.message, at.message + length);
  return (
    view.getUint16(12, false) === etherType6 &&
    view.getUint8(at.nextHeader) === icmpv6 &&
    view.getUint8(at.hopLimit) === 255 &&
    view.getUint8(at.message) === neighborAdvertisement &&
    view.getUint8(at.message + 1) === 0 &&
    message.length === length &&
    onesComplementSum(message, onesComplementSum(frame.subarray(at.source, at.message), icmpv6 + length)) ===
      0xffff
  );
}

function targetMac(frame: Uint8Array): Uint8Array | null {
  const end = at.message + (((frame[18] ?? 0) << 8) | (frame[19] ?? 0));
  for (let start: number = at.options; start + 8 <= end;) {
    const octets = (frame[start + 1] ?? 0) * 8;
    if (frame[start] === targetLinkLayerOption && octets === 8) return frame.subarray(start + 2, start + 8);
    // RFC 4861 §4.6: a length of 0 makes the packet invalid.
    if (octets === 0) return null;
    start += octets;
  }
  return null;
}

/** One instruction for each, and a program has 256 of them. */
const mostTargets = 240;

/** Gives the program that takes what is said of these addresses, all of one family, or a little more. */
export function neighbourWordFilter(family: Family, addresses: readonly string[]): Uint8Array {
  return family === 4 ? arpSenderFilter(addresses) : advertisementFilter(addresses);
}

function advertisementFilter(addresses: readonly string[]): Uint8Array {
  const head = [
    { offset: 12, size: 2, value: etherType6 },
    { offset: at.nextHeader, size: 1, value: icmpv6 },
    { offset: at.message, size: 1, value: neighborAdvertisement },
  ] as const;
  if (addresses.length > mostTargets) return filterAll(head);
  return assemble([
    ...testAll(head, "other"),
    { code: op.loadWord, value: at.options - 4 },
    // The last four bytes of a target tell enough: the whole address is looked at later.
    ...addresses.map((address): Step => {
      const value = new DataView(addressBytes(address).buffer).getUint32(12, false);
      return { code: op.jumpIfEqual, value, yes: "take" };
    }),
    { at: "other" },
    drop,
    { at: "take" },
    take,
  ]);
}
