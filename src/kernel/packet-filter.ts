import { addressBytes } from "../base/address.ts";
import { assemble, drop, op, type Step, take } from "./filter-program.ts";

/**
 * PURE: filters that are a list of tests. A test reads a number at an offset; where all hold the packet is taken, else it
 * is dropped.
 */

/** A number that has to stand at an offset, in network order. */
export interface FilterTest {
  readonly offset: number;
  readonly size: 1 | 2 | 4;
  readonly value: number;
}

const load = { 1: op.loadByte, 2: op.loadHalf, 4: op.loadWord } as const;

/** Takes what passes all tests. */
export function filterAll(tests: readonly FilterTest[]): Uint8Array {
  return assemble([...testAll(tests, "drop"), take, { at: "drop" }, drop]);
}

/** Goes on where all tests hold, and to the place `no` where one does not. */
export function testAll(tests: readonly FilterTest[], no: string): readonly Step[] {
  return tests.flatMap(({ offset, size, value }): Step[] => [
    { code: load[size], value: offset },
    { code: op.jumpIfEqual, value, no },
  ]);
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
