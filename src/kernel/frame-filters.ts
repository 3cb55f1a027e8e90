import { addressBytes } from "../base/address.ts";
import { concatBytes } from "../base/bytes.ts";
import { filterAll, instruction, verdict } from "./packet-filter.ts";

/** PURE: what packet sockets let through when they listen to others, see packet-filter.ts. Frames are without tags. */

const loadHalf = 0x28;
const loadWord = 0x20;
const loadByte = 0x30;
const jumpIfEqual = 0x15;
const straight = { yes: 0, no: 0 };
const etherType = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;
const at = { etherType: 12, ipv4Protocol: 23, ipv6NextHeader: 20, arpSender: 28 } as const;

/** Two instructions for each, and a program has 256 of them. */
const mostSenders = 126;

/** Takes ARP whose sender has one of these IPv4 addresses; all ARP if there are more than a program can test. */
export function arpSenderFilter(addresses: readonly string[]): Uint8Array {
  const isArp = { offset: at.etherType, size: 2, value: etherType.arp } as const;
  if (addresses.length > mostSenders) return filterAll([isArp]);
  const tests = addresses.flatMap((address) => {
    const value = new DataView(addressBytes(address).buffer).getUint32(0);
    return [instruction(jumpIfEqual, value, { yes: 0, no: 1 }), verdict(true)];
  });
  return concatBytes(instruction(loadWord, at.arpSender, straight), ...tests, verdict(false));
}

/** Takes IPv4 and IPv6 that carry a protocol, and ARP if `withArp`. */
export function protocolFilter(protocol: number, withArp: boolean): Uint8Array {
  return concatBytes(
    instruction(loadHalf, at.etherType, straight),
    instruction(jumpIfEqual, etherType.arp, { yes: 7, no: 0 }),
    instruction(jumpIfEqual, etherType.ipv6, { yes: 3, no: 0 }),
    instruction(jumpIfEqual, etherType.ipv4, { yes: 0, no: 6 }),
    instruction(loadByte, at.ipv4Protocol, straight),
    instruction(jumpIfEqual, protocol, { yes: 2, no: 4 }),
    instruction(loadByte, at.ipv6NextHeader, straight),
    instruction(jumpIfEqual, protocol, { yes: 0, no: 2 }),
    verdict(true),
    verdict(withArp),
    verdict(false),
  );
}
