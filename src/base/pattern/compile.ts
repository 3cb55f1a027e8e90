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
  /** Notes the place in the text under a number: a group begins under an even one, and ends under the next. */
  | { readonly kind: "note"; readonly slot: number; next: number }
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
  const start = write(instructions, withoutGroups(parsePattern(text)), 0);
  return { instructions, start };
}

/** Compiles an expression so that a run notes what its groups hold; throws `SyntaxError` if it is none, or too large. */
export function compileGroups(text: string): Program {
  const instructions: Instruction[] = [{ kind: "match" }];
  const start = write(instructions, { kind: "group", number: 0, part: parsePattern(text) }, 0);
  return { instructions, start };
}

function withoutGroups(node: PatternNode): PatternNode {
  switch (node.kind) {
    case "group":
      return withoutGroups(node.part);
    case "sequence":
      return { kind: "sequence", parts: node.parts.map(withoutGroups) };
    case "choice":
      return { kind: "choice", options: node.options.map(withoutGroups) };
    case "repeat":
      return { ...node, part: withoutGroups(node.part) };
    case "byte":
    case "start":
    case "end":
      return node;
    default:
      return unreachable(node);
  }
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
    case "group": {
      const end = push(out, { kind: "note", slot: 2 * node.number + 1, next });
      return push(out, { kind: "note", slot: 2 * node.number, next: write(out, node.part, end) });
    }
    default:
      return unreachable(node);
  }
}

function writeRepeat(
  out: Instruction[],
  { isLazy, part, least, most }: Extract<PatternNode, { kind: "repeat" }>,
  next: number,
): number {
  let start = next;
  if (most === null) {
    const loop: Instruction = { kind: "split", first: next, second: next };
    start = push(out, loop);
    const body = write(out, part, start);
    if (isLazy) loop.second = body;
    else loop.first = body;
  } else {
    for (let count = least; count < most; count++) {
      const body = write(out, part, start);
      start = push(out, {
        kind: "split",
        first: isLazy ? next : body,
        second: isLazy ? body : next,
      });
    }
  }
  for (let count = 0; count < least; count++) start = write(out, part, start);
  return start;
}

function push(out: Instruction[], instruction: Instruction): number {
  if (out.length >= mostInstructions) throw new SyntaxError("it is too large: shorten its repetitions");
  return out.push(instruction) - 1;
}
