/**
 * Regular expressions as operators write them, read into a tree: characters, classes, groups, alternatives,
 * repetitions, `^` and `$`. PURE. What cannot be matched in one pass over the text (back references, looking around) is
 * no part of them, so that no expression can run away whatever the text (docs/decisions/patterns-in-one-pass.md).
 */
export type PatternNode =
  /** One byte of a set. */
  | { readonly kind: "byte"; readonly set: Uint8Array }
  | { readonly kind: "sequence"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly options: readonly PatternNode[] }
  | {
      readonly kind: "repeat";
      readonly part: PatternNode;
      readonly least: number;
      /** Null is without end. */
      readonly most: number | null;
      /** Whether it takes as little as it can; of matter only to what groups hold. */
      readonly isLazy: boolean;
    }
  /** What one group holds; they count from 1. */
  | { readonly kind: "group"; readonly number: number; readonly part: PatternNode }
  /** The beginning or the end of the text. */
  | { readonly kind: "start" }
  | { readonly kind: "end" };

const mostRepeats = 1000;
const deepest = 50;

/** Reads an expression; throws `SyntaxError` that says what is wrong with it. `(?i)` in front ignores case. */
export function parsePattern(text: string): PatternNode {
  const ignoresCase = text.startsWith("(?i)");
  const reader = new Reader(ignoresCase ? text.slice(4) : text, ignoresCase);
  return reader.whole();
}

class Reader {
  readonly #characters: readonly string[];
  readonly #ignoresCase: boolean;
  #at = 0;
  #depth = 0;
  #groups = 0;

  constructor(text: string, ignoresCase: boolean) {
    this.#characters = Array.from(text);
    this.#ignoresCase = ignoresCase;
  }

  whole(): PatternNode {
    const node = this.#choice();
    if (this.#peek() === ")") throw new SyntaxError('")" without "("');
    return node;
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += 1;
    return true;
  }

  #choice(): PatternNode {
    const options = [this.#sequence()];
    while (this.#take("|")) options.push(this.#sequence());
    return options.length === 1 && options[0] !== undefined ? options[0] : { kind: "choice", options };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    for (let next = this.#peek(); next !== undefined && next !== "|" && next !== ")"; next = this.#peek())
      parts.push(this.#repeated(this.#atom()));
    return { kind: "sequence", parts };
  }

  #atom(): PatternNode {
    const character = this.#characters[this.#at++] ?? "";
    switch (character) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "byte", set: this.#class() };
      case ".":
        return { kind: "byte", set: complement(setOf("\n")) };
      case "^":
        return { kind: "start" };
      case "$":
        return { kind: "end" };
      case "\\":
        return { kind: "byte", set: this.#withCase(this.#escape()) };
      case "*":
      case "+":
      case "?":
        throw new SyntaxError(`nothing stands before "${character}" that could be repeated`);
      default:
        return this.#literal(character);
    }
  }

  #group(): PatternNode {
    const isPlain = this.#take("?");
    if (isPlain && !this.#take(":")) {
      throw new SyntaxError(
        '"(?" begins what cannot be matched in one pass; groups are written (…) or (?:…)',
      );
    }
    this.#depth += 1;
    if (this.#depth > deepest) throw new SyntaxError(`groups are nested more than ${deepest} deep`);
    const number = isPlain ? 0 : ++this.#groups;
    const part = this.#choice();
    if (!this.#take(")")) throw new SyntaxError('a "(" is not closed');
    this.#depth -= 1;
    return isPlain ? part : { kind: "group", number, part };
  }

  /** A character beyond ASCII is several bytes in a row. */
  #literal(character: string): PatternNode {
    const bytes = new TextEncoder().encode(character);
    const parts = [...bytes].map((byte): PatternNode => {
      return { kind: "byte", set: this.#withCase(setOf(byte)) };
    });
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: "sequence", parts };
  }

  #repeated(part: PatternNode): PatternNode {
    const bounds = this.#bounds();
    if (bounds === null) return part;
    const isLazy = this.#take("?");
    if (this.#bounds() !== null) throw new SyntaxError("one repetition directly follows another");
    if (part.kind === "start" || part.kind === "end") throw new SyntaxError('"^" and "$" cannot be repeated');
    return { kind: "repeat", part, isLazy, ...bounds };
  }

  #bounds(): { readonly least: number; readonly most: number | null } | null {
    if (this.#take("*")) return { least: 0, most: null };
    if (this.#take("+")) return { least: 1, most: null };
    if (this.#take("?")) return { least: 0, most: 1 };
    if (this.#peek() !== "{") return null;
    const rest = this.#characters.slice(this.#at, this.#at + 16).join("");
    const match = /^\{(\d{1,5})(,(\d{1,5})?)?\}/.exec(rest);
    if (match === null) return null;
    this.#at += match[0].length;
    const least = Number(match[1]);
    const most = match[2] === undefined ? least : match[3] === undefined ? null : Number(match[3]);
    if (least > mostRepeats || (most !== null && (most > mostRepeats || most < least)))
      throw new SyntaxError(`${match[0]} must count upwards and to ${mostRepeats} at most`);
    return { least, most };
  }

  #class(): Uint8Array {
    const isNegated = this.#take("^");
    const set = new Uint8Array(256);
    for (let isFirst = true; ; isFirst = false) {
      const character = this.#characters[this.#at++];
      if (character === undefined) throw new SyntaxError('a "[" is not closed');
      if (character === "]" && !isFirst) break;
      const low = character === "\\" ? this.#escape() : setOf(ascii(character));
      const high = this.#rangeEnd();
      if (high === null) add(set, low);
      else addRange(set, single(low), single(high));
    }
    const cased = this.#withCase(set);
    return isNegated ? complement(cased) : cased;
  }

  /** What follows `-` in a class; a `-` at its end is a character like others. */
  #rangeEnd(): Uint8Array | null {
    const next = this.#characters[this.#at + 1];
    if (this.#peek() !== "-" || next === undefined || next === "]") return null;
    this.#at += 2;
    return next === "\\" ? this.#escape() : setOf(ascii(next));
  }

  #escape(): Uint8Array {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw new SyntaxError('nothing follows the last "\\"');
    if (character === "x") {
      const digits = this.#characters.slice(this.#at, this.#at + 2).join("");
      if (!/^[0-9a-fA-F]{2}$/.test(digits)) throw new SyntaxError('two hexadecimal digits must follow "\\x"');
      this.#at += 2;
      return setOf(Number.parseInt(digits, 16));
    }
    const known = classes[character.toLowerCase()];
    if (known !== undefined) return character === character.toLowerCase() ? known : complement(known);
    const control = controls[character];
    if (control !== undefined) return setOf(control);
    if (/[0-9A-Za-z]/.test(character)) {
      const what = /\d/.test(character) ? "a back reference" : "no escape that is known here";
      throw new SyntaxError(`"\\${character}" is ${what}`);
    }
    return setOf(ascii(character));
  }

  #withCase(set: Uint8Array): Uint8Array {
    if (!this.#ignoresCase) return set;
    const both = set.slice();
    for (let upper = 0x41; upper <= 0x5a; upper++) {
      const has = (set[upper] ?? 0) | (set[upper + 32] ?? 0);
      both[upper] = has;
      both[upper + 32] = has;
    }
    return both;
  }
}

function ascii(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code > 0x7f) throw new SyntaxError(`${character} cannot stand in […]: it is more than one byte`);
  return code;
}

function setOf(...bytes: readonly (number | string)[]): Uint8Array {
  const set = new Uint8Array(256);
  for (const byte of bytes) set[typeof byte === "number" ? byte : ascii(byte)] = 1;
  return set;
}

function complement(set: Uint8Array): Uint8Array {
  return set.map((has) => 1 - has);
}

function add(set: Uint8Array, other: Uint8Array): void {
  for (let byte = 0; byte < 256; byte++) if (other[byte] === 1) set[byte] = 1;
}

function addRange(set: Uint8Array, low: number, high: number): void {
  if (low > high) throw new SyntaxError("a range in […] runs backwards");
  set.fill(1, low, high + 1);
}

/** The only byte of a set. */
function single(set: Uint8Array): number {
  const first = set.indexOf(1);
  if (first !== set.lastIndexOf(1)) throw new SyntaxError("a range in […] has a class at one end");
  return first;
}

function range(from: string, to: string): readonly number[] {
  const [low, high] = [ascii(from), ascii(to)];
  return Array.from({ length: high - low + 1 }, (_, index) => low + index);
}

const digits = range("0", "9");
const classes: Readonly<Record<string, Uint8Array>> = {
  d: setOf(...digits),
  w: setOf(...digits, ...range("a", "z"), ...range("A", "Z"), "_"),
  s: setOf(" ", "\t", "\n", "\r", "\f", "\v"),
};
const controls: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 };
