import { addressBytes } from "../base/address.ts";
import { concatBytes } from "../base/bytes.ts";

/**
 * PURE: programs of classic BPF (Documentation/networking/filter.rst), with which the kernel queues for a socket only what
 * concerns it. A test reads a number at an offset; where all hold the packet is taken, else it is dropped.
 */

/** A number that has to stand at an offset, in network order. */
export interface FilterTest {
  readonly offset: number;
  readonly size: 1 | 2 | 4;
  readonly value: number;
}

const load = { 1: 0x30, 2: 0x28, 4: 0x20 } as const;
const jumpIfEqual = 0x15;
const give = 0x06;

/** Writes one instruction in host order (little-endian). */
export function instruction(code: number, value: number, jump: { yes: number; no: number }): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, code, true);
  view.setUint8(2, jump.yes);
  view.setUint8(3, jump.no);
  view.setUint32(4, value, true);
  return bytes;
}

const straight = { yes: 0, no: 0 };

/** Takes a packet, or drops it. */
export function verdict(isTaken: boolean): Uint8Array {
  return instruction(give, isTaken ? 0xffff_ffff : 0, straight);
}

/** Takes what passes all tests. */
export function filterAll(tests: readonly FilterTest[]): Uint8Array {
  const steps = tests.flatMap(({ offset, size, value }, index) => [
    instruction(load[size], offset, straight),
    // To the drop behind the take, over what is left of the tests.
    instruction(jumpIfEqual, value, { yes: 0, no: 2 * (tests.length - index - 1) + 1 }),
  ]);
  return concatBytes(...steps, verdict(true), verdict(false));
}

/** Gives the tests that find an address at an offset. */
export function addressTests(offset: number, address: string): readonly FilterTest[] {
  const bytes = addressBytes(address);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, word) => ({
    offset: offset + 4 * word,
    size: 4 as const,
    value: view.getUint32(4 * word, false),
  }));
}
