import { addressBytes } from "../base/address.ts";
import { assemble, op, type Step } from "./filter-program.ts";

/**
 * PURE: what `edge-ha watch` has the kernel give it of all that passes an Ethernet interface: VRRP over IPv4 and IPv6,
 * also in an authentication header, BFD control packets, neighbour advertisements, ARP that its sender tells unasked and
 * ARP whose sender has one of the addresses. With up to two VLAN tags: the kernel takes the outermost out of most
 * frames before a filter sees them, and out of others not.
 */

const type = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd, vlan: 0x8100, serviceVlan: 0x88a8 } as const;
const protocol = { udp: 17, authenticationHeader: 51, icmpv6: 58, vrrp: 112 } as const;
const neighbourAdvertisement = 136;
const bfdPorts = [3784, 4784] as const;

/** From the beginning of a frame without tags. */
const at = {
  type: 12,
  arpSender: 28,
  arpTarget: 38,
  ipv4Protocol: 23,
  ipv4UdpPort: 36,
  ipv4NextProtocol: 34,
  ipv6NextHeader: 20,
  ipv6Payload: 54,
  ipv6UdpPort: 56,
} as const;

const memory = { arpSender: 0 } as const;
/** Of 255 instructions that a jump can pass over, one for each address. */
const mostAddresses = 180;

/** Gives the program; all ARP is taken if there are more IPv4 addresses than a program can test. */
export function watchFilter(addresses: readonly string[]): Uint8Array {
  return assemble([
    ...skipTags(),
    { code: op.jumpIfEqual, value: type.ipv4, yes: "ipv4" },
    { code: op.jumpIfEqual, value: type.ipv6, yes: "ipv6" },
    { code: op.jumpIfEqual, value: type.arp, yes: "arp", no: "drop" },
    { at: "ipv4" },
    { code: op.loadByteAtIndex, value: at.ipv4Protocol },
    { code: op.jumpIfEqual, value: protocol.vrrp, yes: "take" },
    { code: op.jumpIfEqual, value: protocol.authenticationHeader, yes: "header" },
    { code: op.jumpIfEqual, value: protocol.udp, no: "drop" },
    { code: op.loadHalfAtIndex, value: at.ipv4UdpPort },
    ...bfdPorts.map((port): Step => ({ code: op.jumpIfEqual, value: port, yes: "take" })),
    { code: op.give, value: 0 },
    { at: "header" },
    { code: op.loadByteAtIndex, value: at.ipv4NextProtocol },
    { code: op.jumpIfEqual, value: protocol.vrrp, yes: "take", no: "drop" },
    { at: "ipv6" },
    { code: op.loadByteAtIndex, value: at.ipv6NextHeader },
    { code: op.jumpIfEqual, value: protocol.vrrp, yes: "take" },
    { code: op.jumpIfEqual, value: protocol.icmpv6, yes: "icmpv6" },
    { code: op.jumpIfEqual, value: protocol.udp, no: "drop" },
    { code: op.loadHalfAtIndex, value: at.ipv6UdpPort },
    ...bfdPorts.map((port): Step => ({ code: op.jumpIfEqual, value: port, yes: "take" })),
    { code: op.give, value: 0 },
    { at: "icmpv6" },
    { code: op.loadByteAtIndex, value: at.ipv6Payload },
    { code: op.jumpIfEqual, value: neighbourAdvertisement, yes: "take", no: "drop" },
    // Near both ends of the program, as a jump goes 255 instructions at most.
    { at: "take" },
    { code: op.give, value: 0xffff_ffff },
    { at: "drop" },
    { code: op.give, value: 0 },
    { at: "arp" },
    ...testArp(addresses),
  ]);
}

function isTag(yes: string, no: string): readonly Step[] {
  return [
    { code: op.jumpIfEqual, value: type.vlan, yes },
    { code: op.jumpIfEqual, value: type.serviceVlan, yes, no },
  ];
}

/** Leaves the length of the tags in the index register, and the EtherType behind them in the accumulator. */
function skipTags(): readonly Step[] {
  return [
    { code: op.setIndex, value: 0 },
    { code: op.loadHalf, value: at.type },
    ...isTag("one", "untagged"),
    { at: "one" },
    { code: op.setIndex, value: 4 },
    { code: op.loadHalf, value: at.type + 4 },
    ...isTag("two", "untagged"),
    { at: "two" },
    { code: op.setIndex, value: 8 },
    { code: op.loadHalf, value: at.type + 8 },
    { at: "untagged" },
  ];
}

function testArp(addresses: readonly string[]): readonly Step[] {
  const ours = addresses.filter((address) => !address.includes(":"));
  if (ours.length > mostAddresses) return [{ code: op.give, value: 0xffff_ffff }];
  return [
    { code: op.loadWordAtIndex, value: at.arpSender },
    ...ours.map((address): Step => {
      const value = new DataView(addressBytes(address).buffer).getUint32(0);
      return { code: op.jumpIfEqual, value, yes: "ours" };
    }),
    { code: op.keep, value: memory.arpSender },
    { code: op.loadWordAtIndex, value: at.arpTarget },
    { code: op.indexFromMemory, value: memory.arpSender },
    { code: op.jumpIfEqualsIndex, value: 0, yes: "ours", no: "others" },
    { at: "ours" },
    { code: op.give, value: 0xffff_ffff },
    { at: "others" },
    { code: op.give, value: 0 },
  ];
}
