import { unreachable } from "../assert.ts";
import { parsePattern, type PatternNode } from "./syntax.ts";

/** One step of a pattern's program; a run stands at many of them at once. PURE. */
export type Instruction =
  /** Goes on if the next byte is in the set. */
  | { readonly kind: "byte"; readonly set: Uint8Array; next: number }
  /** Goes on at both places. */
  | { readonly kind: "split"; first: number; second: number }
  /** Goes on at the beginning, or at the end, of the text only. */
  | { readonly kind: "start" | "end"; next: number }
  | { readonly kind: "match" };

/** A pattern as a machine that needs one pass over the text. */
export interface Program {
  readonly instructions: readonly Instruction[];
  readonly start: number;
}

const mostInstructions = 1000;

/** Compiles an expression; throws `SyntaxError` if it is none, or too large. */
export function compilePattern(text: string): Program {
  const instructions: Instruction[] = [{ kind: "match" }];
  const start = write(instructions, parsePattern(text), 0);
  return { instructions, start };
}

/** Writes a node before the instruction `next`, and gives where it begins. */
function write(out: Instruction[], node: PatternNode, next: number): number {
  switch (node.kind) {
    case "byte":
      return push(out, { kind: "byte", set: node.set, next });
    case "start":
    case "end":
      return push(out, { kind: node.kind, next });
    case "sequence":
      return node.parts.reduceRight((after, part) => write(out, part, after), next);
    case "choice":
      return node.options
        .map((option) => write(out, option, next))
        .reduceRight((second, first) => push(out, { kind: "split", first, second }));
    case "repeat":
      return writeRepeat(out, node, next);
    default:
      return unreachable(node);
  }
}

function writeRepeat(
  out: Instruction[],
  { part, least, most }: Extract<PatternNode, { kind: "repeat" }>,
  next: number,
): number {
  let start = next;
  if (most === null) {
    const loop: Instruction = { kind: "split", first: next, second: next };
    start = push(out, loop);
    loop.first = write(out, part, start);
  } else {
    for (let count = least; count < most; count++) {
      start = push(out, { kind: "split", first: write(out, part, start), second: next });
    }
  }
  for (let count = 0; count < least; count++) start = write(out, part, start);
  return start;
}

function push(out: Instruction[], instruction: Instruction): number {
  if (out.length >= mostInstructions) throw new SyntaxError("it is too large: shorten its repetitions");
  return out.push(instruction) - 1;
}
