import { addressBytes } from "../base/address.ts";
import { assemble, drop, op, type Step, take } from "./filter-program.ts";
import { filterAll, testAll } from "./packet-filter.ts";

/** PURE: what packet sockets let through when they listen to others. Frames are without tags. */

const etherType = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;
const at = { etherType: 12, ipv4Protocol: 23, ipv6NextHeader: 20, arpSender: 28 } as const;

/** One instruction for each, and a program has 256 of them. */
const mostSenders = 250;

/** Takes ARP whose sender has one of these IPv4 addresses; all ARP if there are more than a program can test. */
export function arpSenderFilter(addresses: readonly string[]): Uint8Array {
  if (addresses.length > mostSenders)
    return filterAll([{ offset: at.etherType, size: 2, value: etherType.arp }]);
  return assemble([
    { code: op.loadWord, value: at.arpSender },
    ...addresses.map((address): Step => {
      const value = new DataView(addressBytes(address).buffer).getUint32(0);
      return { code: op.jumpIfEqual, value, yes: "take" };
    }),
    drop,
    { at: "take" },
    take,
  ]);
}

/** Takes IPv4 and IPv6 that carry a protocol, and ARP if `withArp`. */
export function protocolFilter(protocol: number, withArp: boolean): Uint8Array {
  return assemble([
    { code: op.loadHalf, value: at.etherType },
    { code: op.jumpIfEqual, value: etherType.arp, yes: withArp ? "take" : "drop" },
    { code: op.jumpIfEqual, value: etherType.ipv6, yes: "ipv6" },
    { code: op.jumpIfEqual, value: etherType.ipv4, no: "drop" },
    ...testAll([{ offset: at.ipv4Protocol, size: 1, value: protocol }], "drop"),
    take,
    { at: "ipv6" },
    ...testAll([{ offset: at.ipv6NextHeader, size: 1, value: protocol }], "drop"),
    { at: "take" },
    take,
    { at: "drop" },
    drop,
  ]);
}
