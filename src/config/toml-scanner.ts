import { noteText, TomlChunks } from "./toml-chunks.ts";
import { LateArray, LateTable } from "./toml-late.ts";
import { AlikeSections } from "./toml-sections.ts";
import type { TomlArray, TomlNode, TomlScalar, TomlTable } from "./toml-tree.ts";
import { Doubt, nodeAt, newTable, put, ValueReader } from "./toml-values.ts";

/**
 * Reads the TOML that configurations are mostly written in: 40 times as fast as the grammar of the library, which a file of
 * 37,000 servers takes a second of. PURE. Keys of tables have their places at once; within an array or an inline table they
 * are looked up when they are asked for (toml-late.ts), by reading it again. It judges nothing: whatever is wrong,
 * rare or merely doubtful (dates, floats, dotted keys, tables opened twice, CRLF) is left to the library, whose tree
 * and whose errors hold. A property test holds the two against each other.
 */

/** No control characters, no lone surrogates, nothing that TOML or the library treat in a way of their own. */
const plainText = /^[\t\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufefe]*$/;
const [bracket, endBracket, brace] = [0x5b, 0x5d, 0x7b];

/** Gives the tree of a file, or null if the library has to look at it; `chunks` spare it what the last file had too. */
export function scanToml(text: string, chunks: TomlChunks = new TomlChunks()): TomlTable | null {
  // One that is declined is a file too: what is kept of those before it is let go of after so many.
  chunks.begin();
  if (!plainText.test(text)) return null;
  try {
    return new Scanner(text, chunks).file();
  } catch (error) {
    if (error instanceof Doubt) return null;
    throw error;
  }
}

class Scanner {
  readonly #in: ValueReader;
  /** Tables and lists of tables that headers made: only these may be gone into by another header. */
  readonly #open = new Set<TomlNode>();

  readonly #chunks: TomlChunks;
  readonly #alike: AlikeSections;
  /** The `[[name]]` of the top level whose keys are being read, until another header comes below it. */
  #chunk: { readonly name: string; readonly table: TomlTable } | null = null;

  constructor(text: string, chunks: TomlChunks) {
    this.#in = new ValueReader(text, 0);
    this.#alike = new AlikeSections(text);
    this.#chunks = chunks;
  }

  file(): TomlTable {
    const root = newTable(0);
    let current = root;
    for (;;) {
      this.#in.skipBlank();
      if (this.#in.at >= this.#in.text.length) {
        this.#endChunk(this.#in.at);
        return root;
      }
      if (this.#in.code() === bracket) {
        if (this.#takesChunk(root) || this.#takesAlike(root)) continue;
        current = this.#header(root);
      } else assign(this.#in, current);
      this.#in.endLine();
    }
  }

  /** Passes over a table that the last file had too. */
  #takesChunk(root: TomlTable): boolean {
    const chunk = this.#chunks.find(this.#in.text, this.#in.at);
    if (chunk === null) return false;
    this.#endChunk(this.#in.at);
    const shift = this.#in.at - chunk.table.offset;
    // A copy, for a header below it may add to it.
    const copy = chunk.table instanceof LateTable ? chunk.table.shifted(shift) : copyOf(chunk.table, shift);
    this.#chunk = { name: chunk.name, table: this.#append(root, chunk.name, copy) };
    this.#in.at += chunk.text.length;
    return true;
  }

  /** Reads a table that is written as one before it. */
  #takesAlike(root: TomlTable): boolean {
    const { at: offset, text } = this.#in;
    const found = this.#alike.read(offset);
    if (found === null) return false;
    this.#endChunk(offset);
    const { name, value } = found;
    const table = new LateTable({ offset, text, value, nodeAt: sectionAt });
    this.#chunk = { name, table: this.#append(root, name, table) };
    this.#in.at = found.end;
    return true;
  }

  #endChunk(end: number): void {
    if (this.#chunk === null) return;
    const { table, name } = this.#chunk;
    this.#chunk = null;
    const text = this.#in.text.slice(table.offset + table.shift, end);
    noteText(table, text);
    if (!(table instanceof LateTable)) this.#alike.learn(name, table.entries.keys());
    this.#chunks.keep({ name, text, table });
  }

  #header(root: TomlTable): TomlTable {
    const offset = this.#in.at;
    this.#in.at += 1;
    const isList = this.#in.code() === bracket;
    if (isList) this.#in.at += 1;
    const path = [this.#in.paddedKey()];
    while (this.#in.text[this.#in.at] === ".") {
      this.#in.at += 1;
      path.push(this.#in.paddedKey());
    }
    this.#in.expect(endBracket);
    if (isList) this.#in.expect(endBracket);
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
    if (found.kind !== "array" || !(node instanceof LateTable)) return node;
    // What comes below it is no part of the value that is known.
    const whole = copyOf(node, node.shift);
    found.items[found.items.length - 1] = whole;
    return whole;
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
}

/** Reads a key and its value into a table. */
function assign(reader: ValueReader, table: TomlTable): void {
  const { text } = reader;
  const keyOffset = reader.at;
  const key = reader.key();
  reader.equals();
  const offset = reader.at;
  const code = reader.code();
  const value = reader.value(0);
  if (code === bracket) put(table, key, keyOffset, new LateArray({ offset, text, value, nodeAt }));
  else if (code === brace) put(table, key, keyOffset, new LateTable({ offset, text, value, nodeAt }));
  else put(table, key, keyOffset, { kind: "scalar", offset, value: value as TomlScalar["value"] });
}

/** Gives the node of a table with a header that was read before. */
function sectionAt(text: string, offset: number): TomlTable {
  const table = newTable(offset);
  const reader = new ValueReader(text, text.indexOf("\n", offset));
  for (;;) {
    reader.skipBlank();
    if (reader.at >= text.length || reader.code() === bracket) return table;
    assign(reader, table);
    reader.endLine();
  }
}

function copyOf({ kind, offset, entries }: TomlTable, shift: number): TomlTable {
  return { kind, offset, shift, entries: new Map(entries) };
}
