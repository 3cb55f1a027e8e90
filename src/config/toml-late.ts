import type { TomlArray, TomlEntry, TomlNode, TomlTable } from "./toml-tree.ts";

/**
 * Arrays and inline tables of which only the value is known. Where their parts stand is asked for an error message about
 * one of them: a node for each of the 37,000 servers of a file takes longer than all the rest of reading it. PURE.
 */

/** What was read, and how the places in it are found. */
interface Late {
  readonly offset: number;
  /** The whole file. */
  readonly text: string;
  readonly value: unknown;
  readonly nodeAt: (text: string, offset: number) => TomlNode;
}

/** An array as the value of a key. */
export class LateArray implements TomlArray {
  readonly kind = "array";
  readonly offset: number;
  readonly #late: Late;
  #items: TomlNode[] | null = null;

  constructor(late: Late) {
    this.offset = late.offset;
    this.#late = late;
  }

  /** The same for all who ask, never to be changed. */
  get value(): unknown {
    return this.#late.value;
  }

  get items(): TomlNode[] {
    const node = this.#items === null ? this.#late.nodeAt(this.#late.text, this.offset) : null;
    if (node?.kind === "array") this.#items = node.items;
    return this.#items ?? [];
  }
}

/** An inline table as the value of a key, or one with a header and nothing below it. */
export class LateTable implements TomlTable {
  readonly kind = "table";
  readonly offset: number;
  readonly shift: number;
  readonly #late: Late;
  #entries: Map<string, TomlEntry> | null = null;

  constructor(late: Late, shift = 0) {
    this.offset = late.offset;
    this.shift = shift;
    this.#late = late;
  }

  /** The same for all who ask, never to be changed. */
  get value(): unknown {
    return this.#late.value;
  }

  /** Gives the same table where another text has it. */
  shifted(shift: number): LateTable {
    return new LateTable(this.#late, shift);
  }

  get entries(): Map<string, TomlEntry> {
    const node = this.#entries === null ? this.#late.nodeAt(this.#late.text, this.offset) : null;
    if (node?.kind === "table") this.#entries = node.entries;
    return this.#entries ?? new Map();
  }
}
