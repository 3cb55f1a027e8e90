import { unreachable } from "../assert.ts";
import { compileGroups, type Program } from "./compile.ts";

/** Where a pattern and its groups fit: two offsets for each, -1 where a group took no part. */
export type Spans = readonly number[];

/**
 * Finds what the groups of a pattern hold. PURE. All ways through the pattern are followed side by side, the preferred one
 * first, and two that come to one place go on as one: time is the length of the text times that of the pattern at most, whatever
 * the two are, where a matcher that goes back could need for ever.
 */
export class GroupMatcher {
  readonly groups: number;
  readonly #program: Program;

  /** Throws `SyntaxError` if the text is no pattern, or too large. */
  constructor(text: string) {
    this.#program = compileGroups(text);
    const { instructions } = this.#program;
    if (instructions.length > mostInstructions)
      throw new SyntaxError("it is too large for a pattern whose groups are used: shorten its repetitions");
    const slots = instructions.map((one) => (one.kind === "note" ? one.slot : 0));
    this.groups = (Math.max(...slots) - 1) / 2;
  }

  /** Finds the first place where the pattern fits; null if there is none. The text has one character for each octet. */
  find(text: string): Spans | null {
    let threads: Thread[] = [];
    let found: Spans | null = null;
    for (let at = 0; at <= text.length; at++) {
      const seen = new Set<number>();
      const here: Thread[] = [];
      for (const thread of threads) this.#follow(thread, { at, text, seen, here });
      // One that began earlier is preferred.
      if (found === null)
        this.#follow({ place: this.#program.start, spans: this.#nothing() }, { at, text, seen, here });
      threads = [];
      for (const { place, spans } of here) {
        const instruction = this.#program.instructions[place];
        if (instruction?.kind === "match") {
          found = spans;
          break; // those behind it are not as good
        }
        if (instruction?.kind === "byte" && at < text.length && instruction.set[text.charCodeAt(at)] === 1)
          threads.push({ place: instruction.next, spans });
      }
      if (threads.length === 0 && found !== null) return found;
    }
    return found;
  }

  #nothing(): Spans {
    return Array.from({ length: 2 * this.groups + 2 }, () => -1);
  }

  /** Follows everything that takes no byte, what is preferred first. */
  #follow(from: Thread, run: Run): void {
    const { at, here, seen, text } = run;
    const open: Thread[] = [from];
    for (let thread = open.pop(); thread !== undefined; thread = open.pop()) {
      const { place, spans } = thread;
      if (seen.has(place)) continue;
      seen.add(place);
      const instruction = this.#program.instructions[place];
      if (instruction === undefined) continue;
      switch (instruction.kind) {
        case "split":
          open.push({ place: instruction.second, spans }, { place: instruction.first, spans });
          break;
        case "note":
          open.push({ place: instruction.next, spans: spans.with(instruction.slot, at) });
          break;
        case "start":
          if (at === 0) open.push({ place: instruction.next, spans });
          break;
        case "end":
          if (at === text.length) open.push({ place: instruction.next, spans });
          break;
        case "byte":
        case "match":
          here.push(thread);
          break;
        default:
          unreachable(instruction);
      }
    }
  }
}

const mostInstructions = 250;

/** One way through the pattern. */
interface Thread {
  readonly place: number;
  readonly spans: Spans;
}

interface Run {
  readonly at: number;
  readonly text: string;
  readonly seen: Set<number>;
  readonly here: Thread[];
}
