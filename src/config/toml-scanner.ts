import { noteText, TomlChunks } from "./toml-chunks.ts";
import { LateArray, LateTable } from "./toml-late.ts";
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
  /** The `[[name]]` of the top level whose keys are being read, until another header comes below it. */
  #chunk: { readonly name: string; readonly table: TomlTable } | null = null;

  constructor(text: string, chunks: TomlChunks) {
    this.#in = new ValueReader(text, 0);
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
        if (this.#takesChunk(root)) continue;
        current = this.#header(root);
      } else this.#assignment(current);
      this.#in.endLine();
    }
  }

  /** Passes over a table that the last file had too. */
  #takesChunk(root: TomlTable): boolean {
    const chunk = this.#chunks.find(this.#in.text, this.#in.at);
    if (chunk === null) return false;
    this.#endChunk(this.#in.at);
    const { offset, entries } = chunk.table;
    // A copy, for a header below it may add to it.
    const table = this.#append(root, chunk.name, {
      ...chunk.table,
      shift: this.#in.at - offset,
      entries: new Map(entries),
    });
    this.#chunk = { name: chunk.name, table };
    this.#in.at += chunk.text.length;
    return true;
  }

  #endChunk(end: number): void {
    if (this.#chunk === null) return;
    const { table, name } = this.#chunk;
    this.#chunk = null;
    const text = this.#in.text.slice(table.offset + table.shift, end);
    noteText(table, text);
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

  #assignment(table: TomlTable): void {
    const { text } = this.#in;
    const keyOffset = this.#in.at;
    const key = this.#in.key();
    this.#in.equals();
    const offset = this.#in.at;
    const code = this.#in.code();
    const value = this.#in.value(0);
    if (code === bracket) put(table, key, keyOffset, new LateArray({ offset, text, value, nodeAt }));
    else if (code === brace) put(table, key, keyOffset, new LateTable({ offset, text, value, nodeAt }));
    else put(table, key, keyOffset, { kind: "scalar", offset, value: value as TomlScalar["value"] });
  }
}
