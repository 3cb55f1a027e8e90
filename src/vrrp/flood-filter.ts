import { concatBytes } from "../base/bytes.ts";
import { instruction } from "../kernel/packet-filter.ts";
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
const opcode = {
  loadByte: 0x30,
  loadHalf: 0x28,
  loadLength: 0x80,
  loadMemory: 0x60,
  loadMemoryToX: 0x61,
  loadX: 0x01,
  store: 0x02,
  add: 0x04,
  addX: 0x0c,
  subtract: 0x14,
  subtractX: 0x1c,
  shiftLeft: 0x64,
  shiftRight: 0x74,
  and: 0x54,
  jumpIfEqual: 0x15,
  jumpIfAbove: 0x25,
  toX: 0x07,
  fromX: 0x87,
  give: 0x06,
} as const;

type Label = "version2" | "end" | "sum" | "fold" | "take" | "drop";

/** An instruction, or the place of a label. */
type Step =
  | { readonly do: keyof typeof opcode; readonly value: number; readonly yes?: Label; readonly no?: Label }
  | { readonly label: Label };

/** Where the message ends without its trailer, in scratch memory. */
const endCell = 0;
const foldCell = 1;

const foldOnce: readonly Step[] = [
  { do: "fromX", value: 0 },
  { do: "and", value: 0xffff },
  { do: "store", value: foldCell },
  { do: "fromX", value: 0 },
  { do: "shiftRight", value: 16 },
  { do: "loadMemoryToX", value: foldCell },
  { do: "addX", value: 0 },
  { do: "toX", value: 0 },
];

function addHalf(offset: number): readonly Step[] {
  return [
    { do: "loadHalf", value: offset },
    { do: "addX", value: 0 },
    { do: "toX", value: 0 },
  ];
}

function addWord(index: number): readonly Step[] {
  const offset = ipHeaderLength + 4 * index;
  return [
    { do: "loadMemory", value: endCell },
    { do: "jumpIfAbove", value: offset, no: "fold" },
    ...addHalf(offset),
    ...addHalf(offset + 2),
  ];
}

const steps: readonly Step[] = [
  // No IP options: no router sends any.
  { do: "loadByte", value: 0 },
  { do: "jumpIfEqual", value: 0x45, no: "drop" },
  { do: "loadByte", value: ipHeaderLength },
  { do: "jumpIfEqual", value: 0x21, yes: "version2" },
  { do: "jumpIfEqual", value: 0x31, no: "drop" },
  { do: "loadByte", value: ipHeaderLength + 3 },
  { do: "shiftLeft", value: 2 },
  { do: "add", value: ipHeaderLength + 8 },
  { do: "jumpIfAbove", value: 0, yes: "end" },
  { label: "version2" },
  { do: "loadByte", value: ipHeaderLength + 3 },
  { do: "shiftLeft", value: 2 },
  { do: "add", value: ipHeaderLength + 16 },
  { label: "end" },
  { do: "store", value: endCell },
  { do: "toX", value: 0 },
  { do: "loadLength", value: 0 },
  { do: "subtractX", value: 0 },
  { do: "jumpIfEqual", value: 0, yes: "sum" },
  { do: "jumpIfEqual", value: trailerLength, no: "drop" },
  { label: "sum" },
  { do: "loadMemory", value: endCell },
  { do: "jumpIfAbove", value: ipHeaderLength + 4 * mostWords, yes: "take" },
  { do: "loadX", value: 0 },
  ...Array.from({ length: mostWords }, (_, index) => addWord(index)).flat(),
  { label: "fold" },
  ...foldOnce,
  ...foldOnce,
  { do: "jumpIfEqual", value: 0xffff, yes: "take" },
  // The same with a pseudo-header: source, destination, protocol and length.
  ...addHalf(12),
  ...addHalf(14),
  ...addHalf(16),
  ...addHalf(18),
  { do: "loadMemory", value: endCell },
  { do: "add", value: vrrpProtocol },
  { do: "subtract", value: ipHeaderLength },
  { do: "addX", value: 0 },
  { do: "toX", value: 0 },
  ...foldOnce,
  ...foldOnce,
  { do: "jumpIfEqual", value: 0xffff, no: "drop" },
  { label: "take" },
  { do: "give", value: 0xffff_ffff },
  { label: "drop" },
  { do: "give", value: 0 },
];

/** The program; at most 256 instructions. */
export const soundAdvertsOnly: Uint8Array = assemble(steps);

/** Labels become distances: how many instructions to skip. */
function assemble(program: readonly Step[]): Uint8Array {
  const places = new Map<Label, number>();
  const instructions = program.flatMap((step, index) => {
    if (!("label" in step)) return [step];
    places.set(step.label, program.slice(0, index).filter((each) => !("label" in each)).length);
    return [];
  });
  const distance = (label: Label | undefined, from: number): number =>
    label === undefined ? 0 : (places.get(label) ?? 0) - from - 1;
  return concatBytes(
    ...instructions.map((step, index) =>
      instruction(opcode[step.do], step.value, {
        yes: distance(step.yes, index),
        no: distance(step.no, index),
      }),
    ),
  );
}
