import { addressBytes, addressFromBytes, familyOf } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { concatBytes, equalBytes } from "../base/bytes.ts";
import { addressTests, filterAll } from "./packet-filter.ts";

/**
 * PURE: asking a neighbour on the link whether it is there, as whole Ethernet frames: ARP (RFC 826) for IPv4, neighbour
 * solicitation (RFC 4861 §4.3) for IPv6. Only an answer to the asker counts: announcements that somebody sends to
 * everybody (gratuitous ARP, unsolicited advertisements) prove nothing about now, and anybody could have sent them.
 */

/** Who asks: an address of one's own and the hardware address of the link. */
export interface Asker {
  readonly mac: Uint8Array;
  readonly address: string;
}

const etherType = { arp: 0x0806, ipv6: 0x86dd } as const;
const ethernetLength = 14;
const icmpv6 = 58;
const solicitation = 135;
const advertisement = 136;
const solicitedFlag = 0x40;

/** Gives the EtherType of the frames about an address. */
export function questionEtherType(target: string): number {
  return familyOf(target) === 4 ? etherType.arp : etherType.ipv6;
}

/** Makes the frame that asks for `target`; both addresses are of one family. */
export function neighbourQuestion(asker: Asker, target: string): Uint8Array {
  assert(asker.mac.length === 6, "neighbours are asked on Ethernet");
  assert(familyOf(asker.address) === familyOf(target), "the asker has the target's family");
  return familyOf(target) === 4 ? arpRequest(asker, target) : neighbourSolicitation(asker, target);
}

function arpRequest({ mac, address }: Asker, target: string): Uint8Array {
  const everybody = new Uint8Array(6).fill(0xff);
  const head = Uint8Array.of(0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1);
  const body = [mac, addressBytes(address), new Uint8Array(6), addressBytes(target)];
  return concatBytes(everybody, mac, head, ...body);
}

function neighbourSolicitation({ mac, address }: Asker, target: string): Uint8Array {
  const own = addressBytes(address);
  const wanted = addressBytes(target);
  // RFC 4291 §2.7.1: ff02::1:ff00:0/104 and the last 24 bits; RFC 2464 §7: 33-33 and the last 32.
  const group = addressBytes("ff02::1:ff00:0");
  group.set(wanted.subarray(13), 13);
  const groupMac = concatBytes(Uint8Array.of(0x33, 0x33), group.subarray(12));
  // Option 1: source link-layer address, in units of eight bytes.
  const message = concatBytes(
    Uint8Array.of(solicitation, 0, 0, 0, 0, 0, 0, 0),
    wanted,
    Uint8Array.of(1, 1),
    mac,
  );
  new DataView(message.buffer).setUint16(2, icmpv6Checksum(own, group, message), false);
  const header = Uint8Array.of(0x60, 0, 0, 0, 0, message.length, icmpv6, 255);
  return concatBytes(groupMac, mac, Uint8Array.of(0x86, 0xdd), header, own, group, message);
}

/** RFC 4443 §2.3: over a pseudo-header (RFC 8200 §8.1) and the message, whose own checksum field is 0. */
function icmpv6Checksum(source: Uint8Array, destination: Uint8Array, message: Uint8Array): number {
  const pseudo = concatBytes(source, destination, Uint8Array.of(0, 0, 0, message.length, 0, 0, 0, icmpv6));
  const all = concatBytes(pseudo, message, new Uint8Array(message.length % 2));
  const view = new DataView(all.buffer);
  let sum = 0;
  for (let at = 0; at < all.length; at += 2) sum += view.getUint16(at, false);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Gives the program that lets only frames through that could answer for `target`. */
export function answerFilter(target: string): Uint8Array {
  if (familyOf(target) === 4) {
    return filterAll([
      { offset: 12, size: 2, value: etherType.arp },
      { offset: 20, size: 2, value: 2 },
      ...addressTests(28, target),
    ]);
  }
  return filterAll([
    { offset: 12, size: 2, value: etherType.ipv6 },
    { offset: 20, size: 1, value: icmpv6 },
    { offset: 54, size: 1, value: advertisement },
    ...addressTests(62, target),
  ]);
}

/** Tells whether a frame is the target's answer to the asker. */
export function isAnswer(frame: Uint8Array, asker: Asker, target: string): boolean {
  return familyOf(target) === 4 ? isArpReply(frame, asker, target) : isAdvertisement(frame, asker, target);
}

function isArpReply(frame: Uint8Array, asker: Asker, target: string): boolean {
  if (frame.length < ethernetLength + 28) return false;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  return (
    view.getUint16(12, false) === etherType.arp &&
    view.getUint16(16, false) === 0x0800 &&
    view.getUint16(20, false) === 2 &&
    addressFromBytes(frame.subarray(28, 32)) === target &&
    equalBytes(frame.subarray(32, 38), asker.mac) &&
    addressFromBytes(frame.subarray(38, 42)) === asker.address
  );
}

function isAdvertisement(frame: Uint8Array, asker: Asker, target: string): boolean {
  const start = ethernetLength + 40;
  if (frame.length < start + 24) return false;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  return (
    view.getUint16(12, false) === etherType.ipv6 &&
    view.getUint8(20) === icmpv6 &&
    // RFC 4861 §7.1.2: a hop limit of 255 proves that it comes from the link.
    view.getUint8(21) === 255 &&
    addressFromBytes(frame.subarray(38, 54)) === asker.address &&
    view.getUint8(start) === advertisement &&
    (view.getUint8(start + 4) & solicitedFlag) !== 0 &&
    addressFromBytes(frame.subarray(start + 8, start + 24)) === target
  );
}

/** Gives the hardware address that an answer names, which may be another than the frame comes from. */
export function answeredMac(frame: Uint8Array, target: string): Uint8Array {
  if (familyOf(target) === 4) return frame.slice(22, 28);
  // RFC 4861 §4.4: the target link-layer address option, type 2, length 1; without it the frame's own source.
  const option = ethernetLength + 40 + 24;
  return frame[option] === 2 && frame[option + 1] === 1 && frame.length >= option + 8
    ? frame.slice(option + 2, option + 8)
    : frame.slice(6, 12);
}
