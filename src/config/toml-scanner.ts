import { noteText, TomlChunks } from "./toml-chunks.ts";
import type { TomlArray, TomlNode, TomlTable } from "./toml-tree.ts";

/**
 * Reads the TOML that configurations are mostly written in, with the place of every key and value: 20 times as fast as
 * the grammar of the library, which a file of 37,000 servers takes a second of. PURE. It judges nothing: whatever is wrong,
 * rare or merely doubtful (dates, floats, dotted keys, tables opened twice, CRLF) is left to the library, whose tree
 * and whose errors hold. A property test holds the two against each other.
 */

/** Deep enough for every key there is; the library has a limit of its own. */
const deepest = 16;
/** No control characters, no lone surrogates, nothing that TOML or the library treat in a way of their own. */
const plainText = /^[\t\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufefe]*$/;
const bareKey = /[A-Za-z0-9_-]+/y;
const integer = /-?(?:0|[1-9]\d{0,14})(?=[\s,\]}#]|$)/y;
const truth = /(?:true|false)(?=[\s,\]}#]|$)/y;
const escapedText = /"(?:[^"\\\n]|\\["\\nrt])*"/y;
const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
const [tab, lineFeed, space, quote, hash, apostrophe] = [0x09, 0x0a, 0x20, 0x22, 0x23, 0x27];
const [comma, equals, bracket, endBracket, brace, endBrace] = [0x2c, 0x3d, 0x5b, 0x5d, 0x7b, 0x7d];

/** Thrown within this file: the library has to look. */
class Doubt extends Error {}

/** Gives the tree of a file, or null if the library has to look at it; `chunks` spare it what the last file had too. */
export function scanToml(text: string, chunks: TomlChunks = new TomlChunks()): TomlTable | null {
  if (!plainText.test(text)) return null;
  chunks.begin();
  try {
    return new Scanner(text, chunks).file();
  } catch (error) {
    if (error instanceof Doubt) return null;
    throw error;
  }
}

class Scanner {
  readonly #text: string;
  #at = 0;
  /** Tables and lists of tables that headers made: only these may be gone into by another header. */
  readonly #open = new Set<TomlNode>();

  readonly #chunks: TomlChunks;
  /** The `[[name]]` of the top level whose keys are being read, until another header comes below it. */
  #chunk: { readonly name: string; readonly table: TomlTable } | null = null;

  constructor(text: string, chunks: TomlChunks) {
    this.#text = text;
    this.#chunks = chunks;
  }

  file(): TomlTable {
    const root = newTable(0);
    let current = root;
    for (;;) {
      this.#skipBlank();
      if (this.#at >= this.#text.length) {
        this.#endChunk(this.#at);
        return root;
      }
      if (this.#code() === bracket) {
        if (this.#takesChunk(root)) continue;
        current = this.#header(root);
      } else this.#assignment(current, 0);
      this.#endLine();
    }
  }

  /** Passes over a table that the last file had too. */
  #takesChunk(root: TomlTable): boolean {
    const chunk = this.#chunks.find(this.#text, this.#at);
    if (chunk === null) return false;
    this.#endChunk(this.#at);
    const { offset, entries } = chunk.table;
    // A copy, for a header below it may add to it.
    const table = this.#append(root, chunk.name, {
      ...chunk.table,
      shift: this.#at - offset,
      entries: new Map(entries),
    });
    this.#chunk = { name: chunk.name, table };
    this.#at += chunk.text.length;
    return true;
  }

  #endChunk(end: number): void {
    if (this.#chunk === null) return;
    const { table, name } = this.#chunk;
    this.#chunk = null;
    const text = this.#text.slice(table.offset + table.shift, end);
    noteText(table, text);
    this.#chunks.keep({ name, text, table });
  }

  #header(root: TomlTable): TomlTable {
    const offset = this.#at;
    this.#at += 1;
    const isList = this.#code() === bracket;
    if (isList) this.#at += 1;
    const path = [this.#paddedKey()];
    while (this.#text[this.#at] === ".") {
      this.#at += 1;
      path.push(this.#paddedKey());
    }
    this.#expect(endBracket);
    if (isList) this.#expect(endBracket);
    const last = path.pop() ?? "";
    if (path.length === 0) this.#endChunk(offset);
    else this.#chunk = null;
    const parent = path.reduce((table, key) => this.#descend(table, key, offset), root);
    if (!isList) return this.#make(parent, last, offset);
    const table = this.#append(parent, last, newTable(offset));
    if (path.length === 0) this.#chunk = { name: last, table };
    return table;
  }

  #descend(table: TomlTable, key: string, offset: number): TomlTable {
    const found = table.entries.get(key)?.node;
    if (found === undefined) return this.#make(table, key, offset);
    if (!this.#open.has(found)) throw new Doubt();
    const node = found.kind === "array" ? found.items.at(-1) : found;
    if (node?.kind !== "table") throw new Doubt();
    return node;
  }

  #make(table: TomlTable, key: string, offset: number): TomlTable {
    const made = newTable(offset);
    this.#open.add(made);
    put(table, key, offset, made);
    return made;
  }

  #append(table: TomlTable, key: string, made: TomlTable): TomlTable {
    const found = table.entries.get(key)?.node;
    const offset = made.offset + made.shift;
    if (found === undefined) {
      const list: TomlArray = { kind: "array", offset, items: [made] };
      this.#open.add(list);
      put(table, key, offset, list);
    } else if (found.kind === "array" && this.#open.has(found)) found.items.push(made);
    else throw new Doubt();
    return made;
  }

  #assignment(table: TomlTable, depth: number): void {
    const offset = this.#at;
    const key = this.#key();
    this.#skipSpace();
    this.#expect(equals);
    this.#skipSpace();
    put(table, key, offset, this.#value(depth));
  }

  #value(depth: number): TomlNode {
    if (depth > deepest) throw new Doubt();
    const offset = this.#at;
    switch (this.#code()) {
      case quote:
        return { kind: "scalar", offset, value: this.#basicText() };
      case apostrophe:
        return { kind: "scalar", offset, value: this.#literalText() };
      case bracket:
        return this.#array(depth);
      case brace:
        return this.#inlineTable(depth);
    }
    const number = this.#match(integer);
    if (number === "-0") throw new Doubt();
    if (number !== null) return { kind: "scalar", offset, value: Number(number) };
    const word = this.#match(truth);
    if (word === null) throw new Doubt();
    return { kind: "scalar", offset, value: word === "true" };
  }

  #array(depth: number): TomlArray {
    const list: TomlArray = { kind: "array", offset: this.#at, items: [] };
    this.#at += 1;
    this.#members(endBracket, () => list.items.push(this.#value(depth + 1)));
    return list;
  }

  #inlineTable(depth: number): TomlTable {
    const table = newTable(this.#at);
    this.#at += 1;
    this.#members(endBrace, () => this.#assignment(table, depth + 1));
    return table;
  }

  /** Members with commas between them and perhaps one behind the last, over any number of lines. */
  #members(end: number, member: () => void): void {
    for (;;) {
      this.#skipBlank();
      if (this.#code() === end) break;
      member();
      this.#skipBlank();
      if (this.#code() !== comma) break;
      this.#at += 1;
    }
    this.#expect(end);
  }

  #basicText(): string {
    const start = this.#at + 1;
    const end = this.#text.indexOf('"', start);
    if (end < 0) throw new Doubt();
    const value = this.#text.slice(start, end);
    if (value.includes("\\")) return this.#escapedText();
    return this.#finishText(value, end, quote);
  }

  #escapedText(): string {
    const found = this.#match(escapedText);
    if (found === null) throw new Doubt();
    return found.slice(1, -1).replaceAll(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
  }

  #literalText(): string {
    const start = this.#at + 1;
    const end = this.#text.indexOf("'", start);
    if (end < 0) throw new Doubt();
    return this.#finishText(this.#text.slice(start, end), end, apostrophe);
  }

  /** Two delimiters in a row and a third are the beginning of a text of several lines. */
  #finishText(value: string, end: number, delimiter: number): string {
    this.#at = end + 1;
    if (value.includes("\n") || (value === "" && this.#code() === delimiter)) throw new Doubt();
    return value;
  }

  #key(): string {
    const key = this.#match(bareKey);
    if (key === null || key === "__proto__") throw new Doubt();
    return key;
  }

  #paddedKey(): string {
    this.#skipSpace();
    const key = this.#key();
    this.#skipSpace();
    return key;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return null;
    this.#at += found.length;
    return found;
  }

  #code(): number {
    return this.#text.charCodeAt(this.#at);
  }

  #expect(code: number): void {
    if (this.#code() !== code) throw new Doubt();
    this.#at += 1;
  }

  #skipSpace(): void {
    let code = this.#code();
    while (code === space || code === tab) {
      this.#at += 1;
      code = this.#code();
    }
  }

  /** Passes over spaces, line ends and comments. */
  #skipBlank(): void {
    for (;;) {
      this.#skipSpace();
      if (this.#code() === hash) this.#skipComment();
      if (this.#code() !== lineFeed) return;
      this.#at += 1;
    }
  }

  #skipComment(): void {
    const end = this.#text.indexOf("\n", this.#at);
    this.#at = end < 0 ? this.#text.length : end;
  }

  #endLine(): void {
    this.#skipSpace();
    if (this.#code() === hash) this.#skipComment();
    if (this.#at < this.#text.length) this.#expect(lineFeed);
  }
}

function newTable(offset: number): TomlTable {
  return { kind: "table", offset, shift: 0, entries: new Map() };
}

function put(table: TomlTable, key: string, keyOffset: number, node: TomlNode): void {
  if (table.entries.has(key)) throw new Doubt();
  table.entries.set(key, { keyOffset, node });
}
