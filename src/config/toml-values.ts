import { wholeNumberEnd } from "./toml-plain.ts";
import type { TomlNode, TomlScalar, TomlTable } from "./toml-tree.ts";

/** Reads the values of a TOML text, from a place on; what is rare or wrong it doubts (see toml-scanner.ts). PURE. */

/** Deep enough for every key there is; the library has a limit of its own. */
const deepest = 16;
const escapedText = /"(?:[^"\\\n]|\\["\\nrt])*"/y;
const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
const [tab, lineFeed, space, quote, hash, apostrophe] = [0x09, 0x0a, 0x20, 0x22, 0x23, 0x27];
const [comma, equals, bracket, endBracket, brace, endBrace] = [0x2c, 0x3d, 0x5b, 0x5d, 0x7b, 0x7d];
const [minus, zero, nine, backslash, underscore] = [0x2d, 0x30, 0x39, 0x5c, 0x5f];

/** Thrown where the library has to look. */
export class Doubt extends Error {}

/** Goes through a text. */
export class ValueReader {
  readonly text: string;
  at: number;
  /** Offsets of values, and the keys of inline tables with theirs, in the order of the text; null keeps none. */
  #marks: (number | string)[] | null = null;

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }

  /** Reads one value, with all places. */
  node(): TomlNode {
    this.#marks = [];
    const value = this.value(0);
    return placed(value, this.#marks.values());
  }

  /** Reads one value: lists, objects without a prototype, texts, numbers, booleans. */
  value(depth: number): unknown {
    if (depth > deepest) throw new Doubt();
    if (this.#marks !== null) this.#marks.push(this.at);
    switch (this.code()) {
      case quote:
        return this.#basicText();
      case apostrophe:
        return this.#literalText();
      case bracket:
        return this.#array(depth);
      case brace:
        return this.#inlineTable(depth);
    }
    return this.#word();
  }

  #array(depth: number): readonly unknown[] {
    const list: unknown[] = [];
    this.at += 1;
    for (; this.#another(endBracket); this.#separator(endBracket)) list.push(this.value(depth + 1));
    return list;
  }

  #inlineTable(depth: number): Readonly<Record<string, unknown>> {
    const table = Object.create(null) as Record<string, unknown>;
    this.at += 1;
    for (; this.#another(endBrace); this.#separator(endBrace)) {
      const offset = this.at;
      const key = this.key();
      if (table[key] !== undefined) throw new Doubt();
      if (this.#marks !== null) this.#marks.push(key, offset);
      this.equals();
      table[key] = this.value(depth + 1);
    }
    return table;
  }

  /** Tells whether another member comes, over any number of lines, and passes over the end if none does. */
  #another(end: number): boolean {
    this.skipBlank();
    if (this.code() !== end) return true;
    this.at += 1;
    return false;
  }

  /** Passes over the comma behind a member; the last may have none. */
  #separator(end: number): void {
    this.skipBlank();
    if (this.code() === comma) this.at += 1;
    else if (this.code() !== end) throw new Doubt();
  }

  /** A whole number, `true` or `false`. */
  #word(): number | boolean {
    const { at, text } = this;
    const end = wholeNumberEnd(text, at);
    if (end >= 0) {
      this.#endWord(end);
      return Number(text.slice(at, end));
    }
    const isTrue = text.startsWith("true", at);
    if (!isTrue && !text.startsWith("false", at)) throw new Doubt();
    this.#endWord(at + (isTrue ? 4 : 5));
    return isTrue;
  }

  #endWord(at: number): void {
    this.at = at;
    if (at === this.text.length) return;
    switch (this.code()) {
      case space:
      case tab:
      case lineFeed:
      case comma:
      case endBracket:
      case endBrace:
      case hash:
        return;
    }
    throw new Doubt();
  }

  #basicText(): string {
    const text = this.text;
    const start = this.at + 1;
    let at = start;
    for (let code = text.charCodeAt(at); code !== quote; code = text.charCodeAt(++at)) {
      if (code === backslash) return this.#escapedText();
      // Not a number is the end of the file.
      if (code === lineFeed || code !== code) throw new Doubt();
    }
    return this.#finishText(text.slice(start, at), at, quote);
  }

  #escapedText(): string {
    escapedText.lastIndex = this.at;
    const found = escapedText.exec(this.text)?.[0];
    if (found === undefined) throw new Doubt();
    this.at += found.length;
    return found.slice(1, -1).replaceAll(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
  }

  #literalText(): string {
    const start = this.at + 1;
    const end = this.text.indexOf("'", start);
    if (end < 0) throw new Doubt();
    return this.#finishText(this.text.slice(start, end), end, apostrophe);
  }

  /** Two delimiters in a row and a third are the beginning of a text of several lines. */
  #finishText(value: string, end: number, delimiter: number): string {
    this.at = end + 1;
    if (value.includes("\n") || (value === "" && this.code() === delimiter)) throw new Doubt();
    return value;
  }

  /** Passes over what is between a key and its value. */
  equals(): void {
    this.skipSpace();
    this.expect(equals);
    this.skipSpace();
  }

  /** Reads a key without quotes. */
  key(): string {
    const text = this.text;
    const start = this.at;
    let at = start;
    while (isKeyCode(text.charCodeAt(at))) at += 1;
    if (at === start) throw new Doubt();
    this.at = at;
    const key = text.slice(start, at);
    if (key === "__proto__") throw new Doubt();
    return key;
  }

  paddedKey(): string {
    this.skipSpace();
    const key = this.key();
    this.skipSpace();
    return key;
  }

  /** Gives the code of the next character; not a number at the end. */
  code(): number {
    return this.text.charCodeAt(this.at);
  }

  expect(code: number): void {
    if (this.code() !== code) throw new Doubt();
    this.at += 1;
  }

  skipSpace(): void {
    let code = this.code();
    while (code === space || code === tab) {
      this.at += 1;
      code = this.code();
    }
  }

  /** Passes over spaces, line ends and comments. */
  skipBlank(): void {
    for (;;) {
      this.skipSpace();
      if (this.code() === hash) this.#skipComment();
      if (this.code() !== lineFeed) return;
      this.at += 1;
    }
  }

  #skipComment(): void {
    const end = this.text.indexOf("\n", this.at);
    this.at = end < 0 ? this.text.length : end;
  }

  /** Passes over the rest of a line that has nothing more to say. */
  endLine(): void {
    this.skipSpace();
    if (this.code() === hash) this.#skipComment();
    if (this.at < this.text.length) this.expect(lineFeed);
  }
}

/** Gives the nodes of an array or an inline table that was read before. */
export function nodeAt(text: string, offset: number): TomlNode {
  return new ValueReader(text, offset).node();
}

/** Makes a table without keys. */
export function newTable(offset: number): TomlTable {
  return { kind: "table", offset, shift: 0, entries: new Map() };
}

/** Gives a table a key, which it may not have. */
export function put(table: TomlTable, key: string, keyOffset: number, node: TomlNode): void {
  if (table.entries.has(key)) throw new Doubt();
  table.entries.set(key, { keyOffset, node });
}

/** Letters, digits, "_" and "-". */
function isKeyCode(code: number): boolean {
  const letter = code | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) ||
    (code >= zero && code <= nine) ||
    code === minus ||
    code === underscore
  );
}

/** Puts a value and the places that were noted while it was read together. */
function placed(value: unknown, marks: Iterator<number | string>): TomlNode {
  const offset = Number(marks.next().value);
  if (Array.isArray(value)) {
    return { kind: "array", offset, items: value.map((item) => placed(item, marks)) };
  }
  if (typeof value !== "object" || value === null)
    return { kind: "scalar", offset, value: value as TomlScalar["value"] };
  const table = newTable(offset);
  // The keys in the order of the text: an object has numbers first.
  for (let left = Object.keys(value).length; left > 0; left--) {
    const key = String(marks.next().value);
    const keyOffset = Number(marks.next().value);
    put(table, key, keyOffset, placed((value as Readonly<Record<string, unknown>>)[key], marks));
  }
  return table;
}
