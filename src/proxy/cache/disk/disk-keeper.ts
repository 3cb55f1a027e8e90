import type { DiskNote } from "../../../ipc/disk-note.ts";
import type { PurgeMarks } from "../purge-marks.ts";
import type { DiskCounts } from "./disk-counts.ts";
import { nameIn, shards } from "./disk-files.ts";
import type { DiskFolder, ListedFile } from "./disk-folder.ts";
import { DiskIndex } from "./disk-index.ts";
import { Lane } from "./lane.ts";
import { PurgedFile } from "./purged-file.ts";

/** What a keeper needs. */
export interface DiskKeeperOptions {
  readonly folder: DiskFolder;
  readonly marks: PurgeMarks;
  readonly counts: DiskCounts;
}

/** URLs whose files are removed in one go. */
const evictedAtOnce = 64;
/** Files put into the index in one turn of the loop, about 1 ms. */
const indexedAtOnce = 2000;
/** By then other processes have heard of a purge, and it is known here what they have stored before. */
const hearsayMs = 2000;
/** What was used in the same minute is in any order: sorting a million files would hold everything up. */
const minuteMs = 60_000;

/**
 * Keeps the folder of a cache within its bound. One process of the node does; the others tell it what they write and read.
 * It looks through the folder once, when it starts, in the background: until then nothing is removed, and what it hears of
 * meanwhile counts as used last. Every process has one of these, as each remembers what was purged.
 */
export class DiskKeeper {
  private readonly o: DiskKeeperOptions;
  private readonly lane = new Lane(1, Number.POSITIVE_INFINITY);
  private readonly purgedFile: PurgedFile;
  private mostBytes = 0;
  private keeps = false;
  private index = new DiskIndex();
  /** What was heard while the folder was looked through. */
  private heardMeanwhile: DiskNote[] | null = null;
  /** What was stored while the files of what was purged were removed; null while none are. */
  private storedMeanwhile: Set<string> | null = null;
  private isEvicting = false;
  /** Whether the folder is a cache, and what was purged in it before is known. */
  private isOpen = false;
  private isOpening = false;
  private opened: Promise<void> = Promise.resolve();

  constructor(o: DiskKeeperOptions) {
    this.o = o;
    this.purgedFile = new PurgedFile(o.folder.path, o.marks);
  }

  /** Whether the folder is known to be of no use. */
  get isOutOfUse(): boolean {
    return !this.isOpen && !this.isOpening;
  }

  /** Waits until it is known whether the folder is of use. */
  async isReady(): Promise<boolean> {
    if (!this.isOpen) await this.opened;
    return this.isOpen;
  }

  /** Bytes of the files; null if somebody else counts them, or they are just being counted. */
  get bytes(): number | null {
    return this.keeps && this.heardMeanwhile === null ? this.index.bytes : null;
  }

  /** How many files there are; null likewise. */
  get files(): number | null {
    return this.keeps && this.heardMeanwhile === null ? this.index.size : null;
  }

  configure(mostBytes: number, keeps: boolean): void {
    this.mostBytes = mostBytes;
    if (!this.isOpen && !this.isOpening) {
      this.isOpening = true;
      this.opened = this.open();
    }
    if (keeps && !this.keeps) {
      this.keeps = true;
      this.heardMeanwhile = [];
      this.add(() => this.lookThrough());
      this.add(() => this.removePurged());
    }
    this.evict();
  }

  /** Leaves the folder to another process. */
  release(): void {
    this.keeps = false;
    this.heardMeanwhile = null;
    this.index = new DiskIndex();
  }

  /** Takes what was done in the folder; false if that is another process's business. */
  heard(note: DiskNote): boolean {
    if (!this.keeps) return false;
    if (this.heardMeanwhile === null) this.apply(note);
    else this.heardMeanwhile.push(note);
    this.evict();
    return true;
  }

  /** Something was purged: that is remembered across restarts, and its files are removed by and by. */
  purged(pattern: string): void {
    this.add(async () => {
      if (await this.isReady()) await this.o.counts.attempt(() => this.purgedFile.add(pattern));
    });
    if (this.keeps) this.add(() => this.removePurged());
  }

  private async open(): Promise<void> {
    await this.o.counts.attempt(async () => {
      await this.o.folder.expectOwn();
      await this.purgedFile.load();
      this.isOpen = true;
    });
    this.isOpening = false;
  }

  private add(job: () => Promise<void>): void {
    this.lane.add(job);
  }

  private apply({ bytes, file, kind }: DiskNote): void {
    switch (kind) {
      case "stored":
        this.index.stored(file, bytes);
        this.storedMeanwhile?.add(nameIn(file));
        break;
      case "used":
        this.index.used(file);
        break;
      case "gone":
        if (file.includes("/")) this.index.remove(file);
        else this.index.removeName(file);
        break;
      case "full":
        this.evict(this.index.bytes * 0.9);
        break;
    }
  }

  /** Reads what files there are, and puts them in the order of their last use. */
  private async lookThrough(): Promise<void> {
    const { counts, folder } = this.o;
    if (!(await this.isReady())) {
      this.release(); // until the next configuration
      return;
    }
    const byMinute = new Map<number, ListedFile[]>();
    const index = new DiskIndex();
    for (const shard of shards) {
      await counts.attempt(async () => {
        for (const one of await folder.list(shard)) {
          const minute = Math.trunc(one.usedMs / minuteMs);
          const others = byMinute.get(minute) ?? [];
          others.push(one);
          byMinute.set(minute, others);
        }
      });
      if (!this.keeps) return;
    }
    await counts.attempt(() => folder.removeAbandoned());
    let count = 0;
    for (const minute of [...byMinute.keys()].toSorted((a, b) => a - b)) {
      for (const { bytes, file } of byMinute.get(minute) ?? []) {
        index.stored(file, bytes);
        if (++count % indexedAtOnce === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    if (!this.keeps) return;
    this.index = index;
    const notes = this.heardMeanwhile ?? [];
    this.heardMeanwhile = null;
    for (const note of notes) this.apply(note);
    this.evict();
  }

  /** Removes what was not used for the longest, if there is too much. */
  private evict(mostBytes: number = this.mostBytes): void {
    const { folder } = this.o;
    if (!this.keeps || this.isEvicting || this.heardMeanwhile !== null || this.index.bytes <= mostBytes)
      return;
    this.isEvicting = true;
    this.add(async () => {
      for (;;) {
        const files = this.index.takeOldest(mostBytes, evictedAtOnce);
        if (files.length === 0) break;
        for (const file of files) await this.o.counts.attempt(() => folder.remove(file));
      }
      this.isEvicting = false;
    });
  }

  /** Removes the files of what operators have purged. */
  private async removePurged(): Promise<void> {
    const { marks } = this.o;
    const before = marks.patterns;
    if (before.length === 0 || !(await this.isReady())) return;
    const stored = new Set<string>();
    this.storedMeanwhile = stored;
    await this.removePurgedOf(new Set(this.index.names().map(nameIn)));
    // A pattern that came meanwhile has its own turn.
    if (marks.patterns === before && this.keeps) await Bun.sleep(hearsayMs);
    await this.removePurgedOf(stored);
    this.storedMeanwhile = null;
    if (marks.patterns === before && this.keeps) await this.o.counts.attempt(() => this.purgedFile.clear());
  }

  private async removePurgedOf(names: ReadonlySet<string>): Promise<void> {
    for (const name of names) {
      if (!this.keeps) return;
      await this.o.counts.attempt(() => this.removeIfPurged(name));
    }
  }

  private async removeIfPurged(name: string): Promise<void> {
    const { folder, marks } = this.o;
    for (const file of this.index.filesOf(name)) {
      const found = await folder.read(file, () => false);
      if (found.kind !== "entry") continue;
      const { askedMs, url } = found.head.description;
      if (!marks.covers(url, performance.now() - (Date.now() - askedMs))) continue;
      await folder.remove(file);
      this.index.remove(file);
    }
  }
}
