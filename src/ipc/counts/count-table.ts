import { bucketEntries, type CountKey } from "./layout.ts";

/**
 * What one process has of things that are limited for all together. One process writes it, others read it at any moment: what
 * they find may be more than there is for as long as it takes to read a line, and never less. PURE.
 */
export class CountTable {
  private readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  /** How much there is under a key. Whoever has to see what others have written last needs an atomic access before. */
  count({ at, mark }: CountKey): number {
    const { words } = this;
    for (let entry = at; entry < at + bucketEntries; entry++)
      if (words[entry] === mark) return words[entry + bucketEntries] ?? 0;
    return 0;
  }

  /** Writes how much there is, for everybody to see before this returns; false if there is no room for another name. */
  set({ at, mark }: CountKey, count: number): boolean {
    const { words } = this;
    let free = -1;
    for (let entry = at; entry < at + bucketEntries; entry++) {
      if (words[entry] === mark) {
        Atomics.store(words, entry + bucketEntries, count);
        // Without its mark it is free for another name.
        if (count === 0) Atomics.store(words, entry, 0);
        return true;
      }
      if (free < 0 && words[entry] === 0) free = entry;
    }
    if (count === 0) return true;
    if (free < 0) return false;
    Atomics.store(words, free + bucketEntries, count);
    Atomics.store(words, free, mark);
    return true;
  }
}
