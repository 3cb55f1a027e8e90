import { concatBytes } from "../base/bytes.ts";
import { instruction } from "./packet-filter.ts";

/** PURE: programs of classic BPF with names for the places that are jumped to, for those too long to count by hand. */

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
  setIndex: 0x01,
  indexFromMemory: 0x61,
  keep: 0x02,
  jumpIfEqual: 0x15,
  jumpIfEqualsIndex: 0x1d,
  and: 0x54,
  give: 0x06,
} as const;

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
