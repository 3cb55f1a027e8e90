import type { FreshFile } from "./fresh-file.ts";
import type { Lane } from "./lane.ts";

/** What a writing needs. */
export interface DiskWritingOptions {
  /** One job of it follows the other there. */
  readonly lane: Lane;
  /** Begins the file; null if the folder is of no use. */
  readonly open: () => Promise<FreshFile | null>;
  /** A body is shorter than this, or it cannot be told of in a file. */
  readonly mostBytes: number;
  /** Whether so many bytes more may wait; they count until they are written. */
  readonly reserve: (bytes: number) => boolean;
  readonly written: (bytes: number) => void;
  /** Moves the file to its place; false if it is not wanted there. */
  readonly land: (fresh: FreshFile) => Promise<boolean>;
  /** Does something with the disk, and counts what goes wrong; false if something did. */
  readonly attempt: (act: () => Promise<void>) => Promise<boolean>;
  readonly skipped: () => void;
}

/** Who waits for the end of a writing waits no longer: the disk hangs. */
const patienceMs = 2000;

/** A long answer that is written while it comes. Nobody is held up by it: what the disk cannot follow is given up. */
export class DiskWriting {
  private readonly o: DiskWritingOptions;
  private fresh: FreshFile | null = null;
  private length = 0;
  private isOver = false;

  constructor(o: DiskWritingOptions) {
    this.o = o;
  }

  /** Has more of the body written, which nobody changes any more; false if all of it was given up. */
  append(bytes: Buffer): boolean {
    const { lane, mostBytes, reserve, skipped, written } = this.o;
    if (this.isOver) return false;
    this.length += bytes.length;
    const job = async (): Promise<void> => {
      if (!this.isOver && !(await this.write(bytes))) this.drop();
      written(bytes.length);
    };
    if (this.length < mostBytes && reserve(bytes.length)) {
      if (lane.add(job)) return true;
      written(bytes.length);
    }
    skipped();
    this.drop();
    return false;
  }

  /** Ends it behind what was appended; `done` hears whether it can be found now. */
  finish(done: (isStored: boolean) => void): void {
    let isTold = false;
    const tell = (isStored: boolean): void => {
      if (isTold) return;
      isTold = true;
      clearTimeout(timer);
      done(isStored);
    };
    const timer = setTimeout(() => tell(false), patienceMs);
    this.o.lane.insist(async () => {
      const { fresh } = this;
      let isStored = false;
      const land = async (): Promise<void> => {
        isStored = fresh !== null && !this.isOver && (await this.o.land(fresh));
      };
      await this.o.attempt(land);
      if (!isStored) await this.remove();
      this.isOver = true;
      tell(isStored);
    });
  }

  /** Gives it up. */
  drop(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.o.lane.insist(() => this.remove());
  }

  private async write(bytes: Buffer): Promise<boolean> {
    return this.o.attempt(async () => {
      this.fresh ??= await this.o.open();
      if (this.fresh === null) this.drop();
      else await this.fresh.append(bytes);
    });
  }

  private async remove(): Promise<void> {
    const { fresh } = this;
    this.fresh = null;
    if (fresh !== null) await this.o.attempt(() => fresh.drop());
  }
}
