import type { Log } from "../../../base/log.ts";
import { hasCode } from "../../../base/system-error.ts";
import type { CachePlan } from "../../../config/content-plan.ts";
import type { DiskNote, DiskStatus } from "../../../ipc/disk-note.ts";
import type { FieldValue } from "../freshness.ts";
import type { PurgeMarks } from "../purge-marks.ts";
import { restored, type StoredResponse } from "../stored-response.ts";
import { isSameVariant, isSelected } from "../variant.ts";
import { fileOfBody, type StoredBody } from "../body-file.ts";
import { DiskCounts } from "./disk-counts.ts";
import { mostBodyBytes, type Description } from "./disk-entry.ts";
import { diskName, fileOf, mostSlots } from "./disk-files.ts";
import type { DiskFolder } from "./disk-folder.ts";
import { DiskKeeper } from "./disk-keeper.ts";
import { describe, isWorthADisk } from "./disk-description.ts";
import { DiskWriting } from "./disk-writing.ts";
import { Lane } from "./lane.ts";
import { OpenBodies } from "./open-bodies.ts";
import { DamagedFile } from "./open-body.ts";

/** What a cache on disk needs. */
export interface DiskCacheOptions {
  readonly folder: DiskFolder;
  readonly log: Log;
  readonly marks: PurgeMarks;
  /** Tells the process that keeps the folder what was done in it. */
  readonly tell: (note: DiskNote) => void;
}

/** Whose answer is looked for. */
export interface DiskWanted {
  readonly url: string;
  readonly source: string;
  readonly value: FieldValue;
  readonly plan: CachePlan;
}

/** The server is asked when a disk has not answered by then. */
const patienceMs = 500;
/** How many reads wait for a disk, and writes; and how much of memory these may hold. */
const mostReads = 256;
const mostWrites = 1000;
const mostWaitingBytes = 32 * 1024 ** 2;
/** How long nothing is written after an error. */
const pauseMs = 2000;
/** How often the use of one entry is told, and noted in its file. */
const usedEveryMs = 600_000;
/** A clock that differs more from the one that an entry was written by tells nothing of its age. */
const clockSlackMs = 5000;

/**
 * Answers in a folder that all processes of the node share, behind those in memory. A reader finds an entry by the name that
 * follows from its URL; one process keeps the folder within its bound (DiskKeeper). Whatever a disk does, requests go on:
 * errors are counted and told once, what takes too long is not waited for, and what cannot be written in time is not written.
 */
export class DiskCache {
  readonly path: string;
  private readonly o: DiskCacheOptions;
  private readonly folder: DiskFolder;
  private readonly counts: DiskCounts;
  private readonly reads = new Lane(2, mostReads);
  private readonly writes = new Lane(1, mostWrites);
  private readonly removals = new Lane(1, Number.POSITIVE_INFINITY);
  private readonly removing = new Set<string>();
  private readonly keeper: DiskKeeper;
  private readonly openBodies: OpenBodies;
  private readonly usedAt = new WeakMap<StoredResponse, number>();
  private waitingBytes = 0;
  private writesAgainAt = 0;

  constructor(o: DiskCacheOptions) {
    this.o = o;
    const { folder, log, marks } = o;
    this.path = folder.path;
    this.folder = folder;
    this.counts = new DiskCounts(folder.path, log);
    this.openBodies = new OpenBodies({
      failed: (file, error) => void this.bodyFailed(file, error),
      full: () => void this.counts.late++,
    });
    this.keeper = new DiskKeeper({ folder, marks, counts: this.counts });
  }

  /** Sets the bound of the folder, and whether this process is the one that sees to it. */
  configure(mostBytes: number, isKeeper: boolean): void {
    this.keeper.configure(mostBytes, isKeeper);
  }

  /**
   * Looks for an answer, and calls back once: with null if there is none, or it does not come in time. Who is given one whose body is
   * in a file holds that.
   */
  find(wanted: DiskWanted, found: (entry: StoredResponse | null) => void): void {
    if (this.keeper.isOutOfUse || this.isHeldUp) {
      found(null);
      return;
    }
    let isOver = false;
    const end = (entry: StoredResponse | null): void => {
      if (isOver) {
        if (entry !== null) fileOfBody(entry.body)?.release();
        return;
      }
      isOver = true;
      clearTimeout(timer);
      found(entry);
    };
    const timer = setTimeout(() => {
      this.counts.late++;
      end(null);
    }, patienceMs);
    const job = async (): Promise<void> => {
      if (!isOver) end((await this.keeper.isReady()) ? await this.look(wanted) : null);
    };
    if (!this.reads.add(job)) end(null);
  }

  /** Has an answer written, unless that is not worth it, or the disk cannot follow. */
  write(entry: StoredResponse): void {
    if (!isWorthADisk(entry)) return;
    const held = fileOfBody(entry.body);
    const bytes = held === null ? entry.body.length : 0;
    const job = async (): Promise<void> => {
      if (await this.keeper.isReady()) await this.writeNow(entry);
      this.waitingBytes -= bytes;
      held?.release();
    };
    held?.hold();
    if (this.mayWrite && this.reserve(bytes)) {
      if (this.writes.add(job)) return;
      this.waitingBytes -= bytes;
    }
    held?.release();
    this.counts.skipped++;
  }

  /** Begins to write an answer whose body is yet to come; null if that is not worth it, or the disk cannot. */
  begin(entry: StoredResponse): DiskWriting | null {
    const text = isWorthADisk(entry) ? describe(entry) : null;
    if (text === null || !this.mayWrite) return null;
    return new DiskWriting({
      lane: this.writes,
      open: async () => ((await this.keeper.isReady()) ? this.folder.begin(text) : null),
      mostBytes: mostBodyBytes,
      reserve: (bytes) => this.reserve(bytes),
      written: (bytes) => void (this.waitingBytes -= bytes),
      land: async (fresh) => this.place(entry, (file) => fresh.land(file)),
      attempt: async (act) => !this.hasFailed(await this.counts.attempt(act)),
      skipped: () => void this.counts.skipped++,
    });
  }

  /** Notes that an answer was given from memory: what is asked for most must not look as if nobody did. */
  used(entry: StoredResponse, now: number): void {
    const before = this.usedAt.get(entry);
    if (before !== undefined && now - before < usedEveryMs) return;
    this.usedAt.set(entry, now);
    if (before === undefined) return;
    this.noteUse(() => this.fileFor(entry));
  }

  /** Removes the answers for a URL, all variants of it. */
  removeUrl(url: string): void {
    if (this.keeper.isOutOfUse) return; // nothing is found there either
    const name = diskName(url);
    if (this.removing.has(name)) return;
    this.removing.add(name);
    // What has changed has to go, however many writes wait.
    this.removals.add(async () => {
      this.removing.delete(name);
      const failed = (await this.keeper.isReady())
        ? await this.counts.attempt(() => this.removeFrom(name, 0))
        : null;
      // As long as the file is there it must not be found.
      if (failed !== null) this.o.marks.addPattern(url, performance.now());
    });
  }

  /** Remembers across restarts what an operator's pattern names, and has it removed. */
  purge(pattern: string): void {
    this.keeper.purged(pattern);
  }

  /** Takes what another process did in the folder. */
  heard(note: DiskNote): void {
    this.keeper.heard(note);
  }

  /** Stops keeping the folder: a process that drains has a successor. */
  release(): void {
    this.keeper.release();
  }

  status(): DiskStatus {
    const { damaged, failed, failure, found, late, skipped, stored } = this.counts;
    const { bytes, files } = this.keeper;
    return { path: this.path, files, bytes, found, stored, skipped, late, damaged, failed, failure };
  }

  /** Whether the disk hangs. */
  private get isHeldUp(): boolean {
    const now = performance.now();
    return this.reads.heldUpMs(now) > patienceMs || this.openBodies.heldUpMs(now) > patienceMs;
  }

  private note(kind: DiskNote["kind"], file: string, bytes = 0): void {
    const note = { path: this.path, kind, file, bytes };
    if (!this.keeper.heard(note)) this.o.tell(note);
  }

  private async look(wanted: DiskWanted): Promise<StoredResponse | null> {
    let found: StoredResponse | null = null;
    await this.counts.attempt(async () => {
      found = await this.lookInSlots(wanted);
    });
    if (found !== null) this.counts.found++;
    return found;
  }

  private async lookInSlots(wanted: DiskWanted): Promise<StoredResponse | null> {
    const name = diskName(wanted.url);
    for (let slot = 0; slot < mostSlots; slot++) {
      const file = fileOf(name, slot);
      const found = await this.folder.read(file, ({ description }) => isFor(description, wanted));
      if (found.kind === "nothing") return null;
      if (found.kind === "damaged") await this.removeDamaged(file);
      else if (found.body !== null) {
        const body = Buffer.isBuffer(found.body) ? found.body : await this.openBodies.take(file, found.body);
        if (body === null) return null;
        const entry = this.restore(found.head.description, body, wanted.plan);
        if (entry === null) {
          fileOfBody(body)?.release();
          continue;
        }
        if (Date.now() - found.usedMs > usedEveryMs) this.noteUse(async () => file);
        return entry;
      }
    }
    return null;
  }

  /** Null if it has been purged since, or a clock that was set makes its age unknown. */
  private restore(description: Description, body: StoredBody, plan: CachePlan): StoredResponse | null {
    const unix = Date.now();
    const now = performance.now();
    if (description.bornMs > unix + clockSlackMs) return null;
    const [bornAt, askedAt] = [now - (unix - description.bornMs), now - (unix - description.askedMs)];
    if (this.o.marks.covers(description.url, askedAt)) return null;
    const entry = restored(description, body, { plan, bornAt: Math.min(now, bornAt), askedAt });
    this.usedAt.set(entry, now);
    return entry;
  }

  /** A body could not be read, in the middle of an answer or at its beginning. */
  private async bodyFailed(file: string, error: unknown): Promise<void> {
    await this.counts.attempt(async () => {
      if (!(error instanceof DamagedFile)) throw error;
      await this.removeDamaged(file);
    });
  }

  private async removeDamaged(file: string): Promise<void> {
    this.counts.foundDamaged(file);
    await this.folder.remove(file);
    this.note("gone", file);
  }

  /** In its turn: nobody waits for it. */
  private noteUse(find: () => Promise<string | null>): void {
    this.writes.add(async () => {
      await this.counts.attempt(async () => {
        const file = await find();
        if (file === null) return;
        await this.folder.touch(file);
        this.note("used", file);
      });
    });
  }

  private get mayWrite(): boolean {
    return !this.keeper.isOutOfUse && performance.now() >= this.writesAgainAt;
  }

  /** Counts bytes that wait to be written; false if there are too many. */
  private reserve(bytes: number): boolean {
    if (this.waitingBytes + bytes > mostWaitingBytes) return false;
    this.waitingBytes += bytes;
    return true;
  }

  private async writeNow(entry: StoredResponse): Promise<void> {
    const failed = await this.counts.attempt(async () => {
      const text = describe(entry);
      if (text !== null) await this.place(entry, (file) => this.folder.write(file, text, entry.body));
    });
    this.hasFailed(failed);
  }

  /** Puts a file where an answer belongs; false if there is a newer one, or it has been purged. */
  private async place(entry: StoredResponse, put: (file: string) => Promise<number>): Promise<boolean> {
    const { marks } = this.o;
    const file = marks.covers(entry.url, entry.askedAt) ? null : await this.fileFor(entry);
    if (file === null) return false;
    const length = await put(file);
    this.counts.stored++;
    this.usedAt.set(entry, performance.now());
    this.note("stored", file, length);
    // It may have changed while it was written.
    if (marks.covers(entry.url, entry.askedAt)) await this.removeFrom(diskName(entry.url), 0);
    return true;
  }

  /** Notes what a write threw: nothing is written for a moment then. */
  private hasFailed(error: unknown): boolean {
    if (error === null) return false;
    this.writesAgainAt = performance.now() + pauseMs;
    if (hasCode(error, "ENOSPC", "EDQUOT")) this.note("full", "");
    return true;
  }

  /**
   * Gives where an answer belongs: in the place of the same variant, or the first free one. Null if there is a newer one. What stands
   * behind a free place was found by nobody, nor by who removed what has changed: readers must not come to it now.
   */
  private async fileFor(entry: StoredResponse): Promise<string | null> {
    const name = diskName(entry.url);
    const askedMs = Date.now() - (performance.now() - entry.askedAt);
    for (let slot = 0; slot < mostSlots; slot++) {
      const found = await this.folder.read(fileOf(name, slot), () => false);
      if (found.kind === "nothing") await this.removeFrom(name, slot + 1);
      if (found.kind !== "entry") return fileOf(name, slot);
      const { description } = found.head;
      if (description.url !== entry.url || !isSameVariant(description, entry)) continue;
      return description.askedMs > askedMs + 1 ? null : fileOf(name, slot);
    }
    return fileOf(name, mostSlots - 1);
  }

  /** From the last slot to the first: who is cut off in the middle leaves none that readers would not reach. */
  private async removeFrom(name: string, first: number): Promise<void> {
    if (first === mostSlots || !(await this.folder.has(fileOf(name, first)))) return;
    for (let slot = mostSlots - 1; slot >= first; slot--) {
      await this.folder.remove(fileOf(name, slot));
      if (first > 0) this.note("gone", fileOf(name, slot));
    }
    if (first === 0) this.note("gone", name);
  }
}

function isFor(description: Description, { source, url, value }: DiskWanted): boolean {
  return (
    description.url === url && description.upstream === source && isSelected(description.selecting, value)
  );
}
