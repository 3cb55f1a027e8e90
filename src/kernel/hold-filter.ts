import { familyOf } from "../base/address.ts";
import { concatBytes } from "../base/bytes.ts";
import { addressTests, instruction, verdict } from "./packet-filter.ts";

/**
 * PURE: filters that leave new connections unanswered. That of a listening socket sees what arrives before the kernel answers,
 * with offset 0 at the TCP header. A host that gets no answer asks again after a second.
 */

const load = { 1: 0x30, 4: 0x20 } as const;
const jumpIfEqual = 0x15;
const and = 0x54;
const straight = { yes: 0, no: 0 };
/** SKF_NET_OFF: offsets above it count from the IP header. */
const networkHeader = 0xfff0_0000;
const flagsOffset = 13;
const flags = { syn: 0x02, ack: 0x10 } as const;
/** A program has 256 instructions at most, and an IPv6 address takes 9. More are held with all there are. */
const mostAddresses = 25;

/** Drops every request for a connection. */
const holdEverything = concatBytes(
  instruction(load[1], flagsOffset, straight),
  instruction(and, flags.syn | flags.ack, straight),
  instruction(jumpIfEqual, flags.syn, { yes: 0, no: 1 }),
  verdict(false),
  verdict(true),
);

/** Drops requests for a connection to the addresses, all of one family; takes everything else. */
export function holdFilter(addresses: readonly string[]): Uint8Array {
  if (addresses.length > mostAddresses) return holdEverything;
  const isSyn = [
    instruction(load[1], flagsOffset, straight),
    instruction(and, flags.syn | flags.ack, straight),
    instruction(jumpIfEqual, flags.syn, { yes: 1, no: 0 }),
    verdict(true),
  ];
  const isOne = addresses.flatMap((address) => {
    const tests = addressTests(networkHeader + (familyOf(address) === 4 ? 16 : 24), address);
    const steps = tests.flatMap(({ offset, value }, index) => [
      instruction(load[4], offset, straight),
      // To the next address, over what is left of the tests and the drop.
      instruction(jumpIfEqual, value, { yes: 0, no: 2 * (tests.length - index - 1) + 1 }),
    ]);
    return [...steps, verdict(false)];
  });
  return concatBytes(...isSyn, ...isOne, verdict(true));
}
