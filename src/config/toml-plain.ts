/**
 * Reads values as most files write them, by searching texts instead of going through their letters: `"text"`, whole numbers,
 * `true` and `false`, lists of these, `{ key = value, … }` of these, and lists of such tables with the same keys. PURE.
 * It gives `undefined` for whatever is written otherwise, or wrong, and judges nothing.
 */

/** The longest number that is surely exact, in digits. */
const mostDigits = 15;
const [lineFeed, space, quote, comma] = [0x0a, 0x20, 0x22, 0x2c];
const [minus, zero, nine, bracket, endBracket, brace] = [0x2d, 0x30, 0x39, 0x5b, 0x5d, 0x7b];
/** The keys of a table whose values are simple; a text may look like a key, and then what is read by them is no table. */
const firstTable = /\{ (?:[A-Za-z0-9_-]+ = (?:"[^"\n]*"|[^",{}[\]\n]+)(?:, (?=[A-Za-z0-9_-])| (?=\})))+\}/y;
const keyOf = /(?:\{|,) ([A-Za-z0-9_-]+) = /g;

/** The keys of tables that are written alike, and what stands before the value of each. */
interface Alike {
  readonly keys: readonly string[];
  readonly leads: readonly string[];
}

/** Gives where a whole number ends that begins here, and is surely exact; -1 if there is none, or one in a form that is rare. */
export function wholeNumberEnd(text: string, start: number): number {
  const isNegative = text.charCodeAt(start) === minus;
  const first = isNegative ? start + 1 : start;
  let end = first;
  for (let code = text.charCodeAt(end); code >= zero && code <= nine; code = text.charCodeAt(end)) end += 1;
  const isOdd = text.charCodeAt(first) === zero && (isNegative || end > first + 1);
  return end === first || isOdd || end > first + mostDigits ? -1 : end;
}

/** Goes through a text. */
export class PlainReader {
  readonly text: string;
  at = 0;
  readonly #mayEscape: boolean;
  /** How the tables under a key are written. */
  readonly #alike = new Map<string, Alike>();

  constructor(text: string) {
    this.text = text;
    this.#mayEscape = text.includes("\\");
  }

  /** Reads the value of a key. */
  value(key: string): unknown {
    switch (this.text.charCodeAt(this.at)) {
      case bracket:
        return this.#list(key);
      case brace:
        return this.#table(key);
    }
    return this.#simple();
  }

  #simple(): string | number | boolean | undefined {
    const { text } = this;
    if (text.charCodeAt(this.at) === quote) return this.#quoted();
    if (text.startsWith("true", this.at)) return this.#pass(4, true);
    if (text.startsWith("false", this.at)) return this.#pass(5, false);
    return this.#number();
  }

  #pass<T>(length: number, value: T): T {
    this.at += length;
    return value;
  }

  #quoted(): string | undefined {
    const { text } = this;
    const start = this.at + 1;
    const end = text.indexOf('"', start);
    if (end < 0) return undefined;
    const value = text.slice(start, end);
    // Of several lines, with an escape, or the beginning of one of several lines.
    if (value.includes("\n") || (this.#mayEscape && value.includes("\\"))) return undefined;
    if (value === "" && text.charCodeAt(end + 1) === quote) return undefined;
    this.at = end + 1;
    return value;
  }

  #number(): number | undefined {
    const start = this.at;
    const end = wholeNumberEnd(this.text, start);
    if (end < 0) return undefined;
    this.at = end;
    return Number(this.text.slice(start, end));
  }

  #list(key: string): readonly unknown[] | undefined {
    const { text } = this;
    const list: unknown[] = [];
    this.at += 1;
    for (;;) {
      this.#gap();
      const code = text.charCodeAt(this.at);
      if (code === endBracket) return this.#pass(1, list);
      const value = code === brace ? this.#table(key) : this.#simple();
      if (value === undefined) return undefined;
      list.push(value);
      this.#gap();
      if (text.charCodeAt(this.at) === comma) this.at += 1;
      else if (text.charCodeAt(this.at) !== endBracket) return undefined;
    }
  }

  /** Passes over spaces and line ends. */
  #gap(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== space && code !== lineFeed) return;
      this.at += 1;
    }
  }

  #table(key: string): Readonly<Record<string, unknown>> | undefined {
    const start = this.at;
    const known = this.#alike.get(key);
    const found = known === undefined ? undefined : this.#tableLike(known);
    if (found !== undefined) return found;
    this.at = start;
    const learned = this.#learn();
    if (learned === null) return undefined;
    this.#alike.set(key, learned);
    return this.#tableLike(learned);
  }

  #tableLike({ keys, leads }: Alike): Readonly<Record<string, unknown>> | undefined {
    const { text } = this;
    const table: Record<string, unknown> = {};
    for (let index = 0; index < keys.length; index++) {
      const lead = leads[index] ?? "";
      if (!text.startsWith(lead, this.at)) return undefined;
      this.at += lead.length;
      const value = this.#simple();
      if (value === undefined) return undefined;
      table[keys[index] ?? ""] = value;
    }
    return text.startsWith(" }", this.at) ? this.#pass(2, table) : undefined;
  }

  /** Takes the keys of the table that stands here; null if it is none of these, or has one twice. */
  #learn(): Alike | null {
    firstTable.lastIndex = this.at;
    const first = firstTable.exec(this.text)?.[0];
    if (first === undefined) return null;
    const keys = [...first.matchAll(keyOf)].map(([, key = ""]) => key);
    if (new Set(keys).size < keys.length || keys.includes("__proto__")) return null;
    return { keys, leads: keys.map((key, index) => `${index === 0 ? "{" : ","} ${key} = `) };
  }
}
