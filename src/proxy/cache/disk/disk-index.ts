import { fileOf, mostSlots, nameIn } from "./disk-files.ts";

/** Files take whole blocks of this. */
const blockBytes = 4096;
/** What the index of one process may take: about 100 bytes for each. */
const mostFiles = 1_000_000;

/** PURE: which files there are, how large, and which of them was not used for the longest. */
export class DiskIndex {
  /** Bytes of all files in whole blocks. */
  bytes = 0;
  private readonly most: number;
  /** Bytes by file, in the order of their last use. */
  private readonly files = new Map<string, number>();

  constructor(most: number = mostFiles) {
    this.most = most;
  }

  /** How many files there are. */
  get size(): number {
    return this.files.size;
  }

  /** All files, from the one that was not used for the longest. */
  names(): readonly string[] {
    return [...this.files.keys()];
  }

  /** A file was written, in place of the one before it, and counts as used. */
  stored(file: string, bytes: number): void {
    this.remove(file);
    const whole = Math.ceil(bytes / blockBytes) * blockBytes;
    this.files.set(file, whole);
    this.bytes += whole;
  }

  /** A file was used. */
  used(file: string): void {
    const bytes = this.files.get(file);
    if (bytes === undefined) return;
    this.files.delete(file);
    this.files.set(file, bytes);
  }

  /** A file is gone. */
  remove(file: string): void {
    this.bytes -= this.files.get(file) ?? 0;
    this.files.delete(file);
  }

  /** Gives the files of a name, the last slot first: readers stop where one is missing. */
  filesOf(name: string): readonly string[] {
    const found: string[] = [];
    for (let slot = mostSlots - 1; slot >= 0; slot--) {
      const file = fileOf(name, slot);
      if (this.files.has(file)) found.push(file);
    }
    return found;
  }

  /** All files of a name are gone; gives which those were, as `filesOf` does. */
  removeName(name: string): readonly string[] {
    const found = this.filesOf(name);
    for (const file of found) this.remove(file);
    return found;
  }

  /** Removes what was not used for the longest until the rest has so many bytes, at most `limit` URLs; gives the files. */
  takeOldest(mostBytes: number, limit: number): readonly string[] {
    const gone: string[] = [];
    let count = 0;
    for (const file of this.files.keys()) {
      if ((this.bytes <= mostBytes && this.files.size <= this.most) || count++ >= limit) break;
      gone.push(...this.removeName(nameIn(file)));
    }
    return gone;
  }
}
