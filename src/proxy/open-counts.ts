import type { OpenNews, OpenNote } from "../ipc/open-news.ts";

/** What is told at a time; of a flood of names the rest comes the next time. */
const mostNotes = 5_000;
/** Everything is told this often, for those who came later. */
const wholeEachMs = 1_000;
/** A process that has been silent for this long has nothing open any more: it is gone, or hangs. */
const forgetMs = 5_000;

interface Other {
  counts: Map<string, number>;
  heardAt: number;
}

/**
 * How much is open under each name, in this process and, as far as they have told, in the others. What has come and gone
 * between two tellings is told to nobody. PURE.
 */
export class OpenCounts {
  private readonly own = new Map<string, number>();
  private readonly told = new Map<string, number>();
  /** Names of which the others know something else. */
  private readonly changed = new Set<string>();
  private readonly others = new Map<number, Other>();
  private wholeAt = 0;

  /** How much this process has open. */
  ownCount(name: string): number {
    return this.own.get(name) ?? 0;
  }

  /** How much all other processes have open, by what they have last told. */
  othersCount(name: string, now: number): number {
    let sum = 0;
    for (const [from, { counts, heardAt }] of this.others) {
      if (now - heardAt > forgetMs) this.others.delete(from);
      else sum += counts.get(name) ?? 0;
    }
    return sum;
  }

  /** How much all processes have open. */
  count(name: string, now: number): number {
    return this.ownCount(name) + this.othersCount(name, now);
  }

  /** Takes how much this process has open under a name from now on. */
  set(name: string, count: number): void {
    if (count > 0) this.own.set(name, count);
    else this.own.delete(name);
    if (count === (this.told.get(name) ?? 0)) this.changed.delete(name);
    else this.changed.add(name);
  }

  /** Gives what the others are to be told now; null if there is nothing. */
  news(now: number): Omit<OpenNews, "from"> | null {
    const isWhole = this.own.size > 0 && now - this.wholeAt >= wholeEachMs;
    if (!isWhole && this.changed.size === 0) return null;
    if (isWhole) {
      this.wholeAt = now;
      this.told.clear();
    }
    const notes: OpenNote[] = [];
    for (const name of isWhole ? this.own.keys() : this.changed) {
      if (notes.length === mostNotes) break;
      notes.push(this.noteTold(name));
    }
    if (isWhole) {
      // Whatever is not among these counts as none now.
      this.changed.clear();
      for (const name of this.own.keys()) if (!this.told.has(name)) this.changed.add(name);
    }
    return { isWhole, notes };
  }

  private noteTold(name: string): OpenNote {
    const count = this.ownCount(name);
    this.changed.delete(name);
    if (count === 0) this.told.delete(name);
    else this.told.set(name, count);
    return { name, count };
  }

  /** Forgets what was told: nobody listens any more, or somebody begins to. */
  restart(): void {
    this.told.clear();
    this.changed.clear();
    this.others.clear();
    for (const name of this.own.keys()) this.changed.add(name);
  }

  /** Takes what another process tells. */
  heard({ from, isWhole, notes }: OpenNews, now: number): void {
    const known = this.others.get(from);
    const other: Other = known === undefined || isWhole ? { counts: new Map(), heardAt: now } : known;
    other.heardAt = now;
    this.others.set(from, other);
    for (const { count, name } of notes)
      if (count > 0) other.counts.set(name, count);
      else other.counts.delete(name);
  }
}
