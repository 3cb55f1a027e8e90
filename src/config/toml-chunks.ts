import type { TomlTable } from "./toml-tree.ts";

/** A `[[name]]` of the top level with nothing but keys below it, from its header to the next one. */
export interface TomlChunk {
  readonly name: string;
  readonly text: string;
  readonly table: TomlTable;
}

/** How many of the last file's chunks are tried at a place: a few may have been taken out since. */
const farthest = 8;
/**
 * After so many files everything is read anew. Pieces of a text keep all of it in memory, and a chunk comes from the file it
 * was first in: without an end to that every change of a file would leave a whole text behind.
 */
const mostFiles = 16;

/**
 * Remembers the last file in chunks. PURE but for its memory. A chunk that is in the next file letter by letter, and ends
 * before a header or with the file there too, means the same there.
 */
export class TomlChunks {
  #before: readonly TomlChunk[] = [];
  #now: TomlChunk[] = [];
  #next = 0;
  #files = 0;

  /** Whether nothing of an earlier file is in this one's tree. */
  get isAnew(): boolean {
    return this.#files === 1;
  }

  /** Begins another file. */
  begin(): void {
    this.#files = this.#files === mostFiles ? 1 : this.#files + 1;
    this.#before = this.isAnew ? [] : this.#now;
    this.#now = [];
    this.#next = 0;
  }

  /** Gives the chunk that stands in a text at a place, or null. */
  find(text: string, at: number): TomlChunk | null {
    for (let index = this.#next; index < this.#next + farthest; index++) {
      const chunk = this.#before[index];
      if (chunk === undefined) return null;
      if (!text.startsWith(chunk.text, at)) continue;
      const end = at + chunk.text.length;
      if (end < text.length && text[end] !== "[") continue;
      this.#next = index + 1;
      return chunk;
    }
    return null;
  }

  keep(chunk: TomlChunk): void {
    this.#now.push(chunk);
  }
}

const texts = new WeakMap<TomlTable, string>();

/** Notes what a table was read from. */
export function noteText(table: TomlTable, text: string): void {
  texts.set(table, text);
}

/** Gives what a table was read from, if that is known: tables of the same text mean the same. */
export function textOf(table: TomlTable): string | null {
  return texts.get(table) ?? null;
}
