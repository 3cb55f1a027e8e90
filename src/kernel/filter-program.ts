import { concatBytes } from "../base/bytes.ts";

/**
 * PURE: programs of classic BPF (Documentation/networking/filter.rst), with which the kernel queues for a socket only what
 * concerns it, written with names for the places that are jumped to.
 */

/** An instruction, or the name of the place before the next one. A jump goes on where it names no place. */
export type Step =
  | { readonly at: string }
  | { readonly code: number; readonly value: number; readonly yes?: string; readonly no?: string };

/** Operations: what they load, compare or keep, and how an address in the packet is meant. */
export const op = {
  loadByte: 0x30,
  loadHalf: 0x28,
  loadWord: 0x20,
  /** At an offset from the index register. */
  loadByteAtIndex: 0x50,
  loadHalfAtIndex: 0x48,
  loadWordAtIndex: 0x40,
  /** The number itself. */
  load: 0x00,
  loadLength: 0x80,
  loadMemory: 0x60,
  setIndex: 0x01,
  indexFromMemory: 0x61,
  toIndex: 0x07,
  fromIndex: 0x87,
  keep: 0x02,
  add: 0x04,
  addIndex: 0x0c,
  subtract: 0x14,
  subtractIndex: 0x1c,
  and: 0x54,
  shiftLeft: 0x64,
  shiftRight: 0x74,
  jumpIfEqual: 0x15,
  jumpIfEqualsIndex: 0x1d,
  jumpIfAbove: 0x25,
  give: 0x06,
} as const;

/** Takes the whole packet. */
export const take: Step = { code: op.give, value: 0xffff_ffff };

/** Drops the packet. */
export const drop: Step = { code: op.give, value: 0 };

/** Writes a program; throws on a jump to nowhere, backwards, or further than 255 instructions. */
export function assemble(steps: readonly Step[]): Uint8Array {
  const places = new Map<string, number>();
  let count = 0;
  for (const step of steps) {
    if ("at" in step) places.set(step.at, count);
    else count += 1;
  }
  const instructions = steps.flatMap((step) => ("at" in step ? [] : [step]));
  return concatBytes(
    ...instructions.map(({ code, value, yes, no }, index) => {
      const distance = (name: string | undefined): number => {
        const to = name === undefined ? index + 1 : places.get(name);
        const by = (to ?? -1) - index - 1;
        if (by < 0 || by > 255) throw new Error(`no way from instruction ${index} to ${name ?? "the next"}`);
        return by;
      };
      return instruction(code, value, { yes: distance(yes), no: distance(no) });
    }),
  );
}

/** Writes one instruction in host order (little-endian). */
function instruction(code: number, value: number, jump: { yes: number; no: number }): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, code, true);
  view.setUint8(2, jump.yes);
  view.setUint8(3, jump.no);
  view.setUint32(4, value, true);
  return bytes;
}
