import { familyOf } from "../base/address.ts";
import { assemble, drop, op, type Step, take } from "./filter-program.ts";
import { addressTests, testAll } from "./packet-filter.ts";

/**
 * PURE: filters that leave new connections unanswered. That of a listening socket sees what arrives before the kernel answers,
 * with offset 0 at the TCP header. A host that gets no answer asks again after a second.
 */

/** SKF_NET_OFF: offsets above it count from the IP header. */
const networkHeader = 0xfff0_0000;
const flagsOffset = 13;
const flags = { syn: 0x02, ack: 0x10 } as const;
/** A program has 256 instructions, of which an IPv6 address takes 9 at most. More are held with all there are. */
const mostAddresses = 25;

/** Goes on with a request for a connection. */
const isRequest: readonly Step[] = [
  { code: op.loadByte, value: flagsOffset },
  { code: op.and, value: flags.syn | flags.ack },
  { code: op.jumpIfEqual, value: flags.syn, no: "take" },
];

/** Drops requests for a connection to the addresses, all of one family; takes everything else. */
export function holdFilter(addresses: readonly string[]): Uint8Array {
  const isOne = addresses.flatMap((address, index): readonly Step[] => {
    const tests = addressTests(networkHeader + (familyOf(address) === 4 ? 16 : 24), address);
    return [...testAll(tests, `not ${index}`), drop, { at: `not ${index}` }];
  });
  const toDrop = addresses.length > mostAddresses ? [drop] : isOne;
  return assemble([...isRequest, ...toDrop, { at: "take" }, take]);
}
