import { assemble, drop, op, type Step, take } from "../kernel/filter-program.ts";
import { trailerLength } from "./hmac-trailer.ts";
import { vrrpProtocol } from "./packet.ts";

/**
 * PURE: a program with which the kernel queues only sound advertisements for a raw IPv4 socket: version, type, a length
 * that fits the count of addresses, and a checksum that is right in one of its two forms. It is in force while more
 * arrives than can be read, so that what is meant for an election is not lost among what is not. What passes is judged
 * in full as ever; what it drops is in no router's counters.
 *
 * Classic BPF has no loops: the sum is unrolled, over as many words as fit in 256 instructions. Messages with more than
 * 18 addresses (version 2: 16) pass without a look at their checksum.
 */

/** Words of 4 bytes that the sum covers. */
const mostWords = 20;

const ipHeaderLength = 20;
/** Where the message ends without its trailer, in scratch memory. */
const endCell = 0;
const foldCell = 1;

const foldOnce: readonly Step[] = [
  { code: op.fromIndex, value: 0 },
  { code: op.and, value: 0xffff },
  { code: op.keep, value: foldCell },
  { code: op.fromIndex, value: 0 },
  { code: op.shiftRight, value: 16 },
  { code: op.indexFromMemory, value: foldCell },
  { code: op.addIndex, value: 0 },
  { code: op.toIndex, value: 0 },
];

function addHalf(offset: number): readonly Step[] {
  return [
    { code: op.loadHalf, value: offset },
    { code: op.addIndex, value: 0 },
    { code: op.toIndex, value: 0 },
  ];
}

function addWord(index: number): readonly Step[] {
  const offset = ipHeaderLength + 4 * index;
  return [
    { code: op.loadMemory, value: endCell },
    { code: op.jumpIfAbove, value: offset, no: "fold" },
    ...addHalf(offset),
    ...addHalf(offset + 2),
  ];
}

const steps: readonly Step[] = [
  // No IP options: no router sends any.
  { code: op.loadByte, value: 0 },
  { code: op.jumpIfEqual, value: 0x45, no: "drop" },
  { code: op.loadByte, value: ipHeaderLength },
  { code: op.jumpIfEqual, value: 0x21, yes: "version2" },
  { code: op.jumpIfEqual, value: 0x31, no: "drop" },
  { code: op.loadByte, value: ipHeaderLength + 3 },
  { code: op.shiftLeft, value: 2 },
  { code: op.add, value: ipHeaderLength + 8 },
  { code: op.jumpIfAbove, value: 0, yes: "end" },
  { at: "version2" },
  { code: op.loadByte, value: ipHeaderLength + 3 },
  { code: op.shiftLeft, value: 2 },
  { code: op.add, value: ipHeaderLength + 16 },
  { at: "end" },
  { code: op.keep, value: endCell },
  { code: op.toIndex, value: 0 },
  { code: op.loadLength, value: 0 },
  { code: op.subtractIndex, value: 0 },
  { code: op.jumpIfEqual, value: 0, yes: "sum" },
  { code: op.jumpIfEqual, value: trailerLength, no: "drop" },
  { at: "sum" },
  { code: op.loadMemory, value: endCell },
  { code: op.jumpIfAbove, value: ipHeaderLength + 4 * mostWords, yes: "take" },
  { code: op.setIndex, value: 0 },
  ...Array.from({ length: mostWords }, (_, index) => addWord(index)).flat(),
  { at: "fold" },
  ...foldOnce,
  ...foldOnce,
  { code: op.jumpIfEqual, value: 0xffff, yes: "take" },
  // The same with a pseudo-header: source, destination, protocol and length.
  ...addHalf(12),
  ...addHalf(14),
  ...addHalf(16),
  ...addHalf(18),
  { code: op.loadMemory, value: endCell },
  { code: op.add, value: vrrpProtocol },
  { code: op.subtract, value: ipHeaderLength },
  { code: op.addIndex, value: 0 },
  { code: op.toIndex, value: 0 },
  ...foldOnce,
  ...foldOnce,
  { code: op.jumpIfEqual, value: 0xffff, no: "drop" },
  { at: "take" },
  take,
  { at: "drop" },
  drop,
];

/** The program; at most 256 instructions. */
export const soundAdvertsOnly: Uint8Array = assemble(steps);
