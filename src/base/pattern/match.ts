import { compilePattern, type Program } from "./compile.ts";

/**
 * Looks for a pattern in bytes, in one pass. PURE. The places a run stands at together are one state; states and what
 * each byte makes of them are made when they are first met, and thrown away when they become too many: time is
 * proportional to the text, memory is bounded.
 */
export class PatternMatcher {
  readonly #program: Program;
  readonly #states = new Map<string, State>();

  /** Throws `SyntaxError` if the text is no pattern. */
  constructor(text: string) {
    this.#program = compilePattern(text);
  }

  /** Tells whether the pattern fits somewhere in these bytes; a line feed at their end need not be counted. */
  isIn(bytes: Uint8Array): boolean {
    return this.fits(bytes) || (bytes.at(-1) === lineFeed && this.fits(bytes.subarray(0, -1)));
  }

  /** Tells whether the pattern fits somewhere in these bytes, every one of which counts. */
  fits(bytes: Uint8Array): boolean {
    let state = this.#first();
    for (const byte of bytes) {
      if (state.isMatch) return true;
      state = state.after[byte] ?? this.#step(state, byte);
    }
    return (
      state.isMatch ||
      this.#closure([...state.waiting, this.#program.start], bytes.length === 0, true).isMatch
    );
  }

  #first(): State {
    return this.#closure([this.#program.start], true, false);
  }

  #step(state: State, byte: number): State {
    const { instructions, start } = this.#program;
    // A match may also begin after this byte.
    const places = [start];
    for (const place of state.places) {
      const instruction = instructions[place];
      if (instruction?.kind === "byte" && instruction.set[byte] === 1) places.push(instruction.next);
    }
    const next = this.#closure(places, false, false);
    state.after[byte] = next;
    return next;
  }

  /** Follows everything that takes no byte. */
  #closure(from: readonly number[], isStart: boolean, isEnd: boolean): State {
    const { instructions } = this.#program;
    const seen = new Set<number>();
    const places: number[] = [];
    const waiting: number[] = [];
    const open = [...from];
    let isMatch = false;
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (seen.has(place)) continue;
      seen.add(place);
      const instruction = instructions[place];
      if (instruction === undefined) continue;
      if (instruction.kind === "byte") places.push(place);
      else if (instruction.kind === "split") open.push(instruction.first, instruction.second);
      else if (instruction.kind === "note") open.push(instruction.next);
      else if (instruction.kind === "match") isMatch = true;
      else if (instruction.kind === "start" ? isStart : isEnd) open.push(instruction.next);
      else if (instruction.kind === "end") waiting.push(place);
    }
    return this.#known({ places, waiting, isMatch });
  }

  #known(found: Omit<State, "after">): State {
    const key = `${found.isMatch} ${found.places.sort(ascending).join()} ${found.waiting.sort(ascending).join()}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    if (this.#states.size >= mostStates) {
      for (const state of this.#states.values()) state.after.fill(undefined);
      this.#states.clear();
    }
    const state = { ...found, after: Array.from<State | undefined>({ length: 256 }) };
    this.#states.set(key, state);
    return state;
  }
}

const mostStates = 500;
const lineFeed = 10;

function ascending(a: number, b: number): number {
  return a - b;
}

interface State {
  /** Instructions that wait for a byte. */
  readonly places: number[];
  /** Instructions that wait for the end of the text. */
  readonly waiting: number[];
  readonly isMatch: boolean;
  /** What each byte leads to, as far as it is known. */
  readonly after: (State | undefined)[];
}
