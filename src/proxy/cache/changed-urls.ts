import { hashText } from "../selection/hash.ts";

/** How long a changed URL is remembered, at least: longer than any answer of before is under way. */
const memoryMs = 120_000;
/** Beyond so many in that time URLs that share a few bits count as one: an answer of one is taken for changed with another. */
const mostApart = 100_000;
const crowdBits = 16;

/** Those that have changed in a time. */
class Changes {
  private readonly byHash = new Map<number, number>();
  private readonly crowd = new Map<number, number>();

  get size(): number {
    return this.byHash.size + this.crowd.size;
  }

  add(hash: number, at: number): void {
    if (this.byHash.size < mostApart || this.byHash.has(hash)) this.byHash.set(hash, at);
    else this.crowd.set(hash >>> (32 - crowdBits), at);
  }

  /** When it changed last; before all time if it did not. */
  last(hash: number): number {
    const alone = this.byHash.get(hash) ?? Number.NEGATIVE_INFINITY;
    if (this.crowd.size === 0) return alone;
    return Math.max(alone, this.crowd.get(hash >>> (32 - crowdBits)) ?? Number.NEGATIVE_INFINITY);
  }
}

/**
 * Which URLs have changed lately, and when; times in milliseconds of the monotonic clock. Whoever may change any number of URLs gets no
 * more memory by that than so much: they are known by their hashes, and what two of them share costs the answer of one, and is no fault. PURE.
 */
export class ChangedUrls {
  private young = new Changes();
  /** Those of the time before, which are forgotten next. */
  private old = new Changes();
  private turnedAt = Number.NEGATIVE_INFINITY;

  /** How much is remembered, in numbers. */
  get size(): number {
    return this.young.size + this.old.size;
  }

  add(url: string, at: number): void {
    if (at - this.turnedAt > memoryMs) {
      this.old = this.young;
      this.young = new Changes();
      this.turnedAt = at;
    }
    this.young.add(hashText(url), at);
  }

  /** Tells whether one has changed at a time or later. */
  hasSince(url: string, at: number): boolean {
    const hash = hashText(url);
    return at <= Math.max(this.young.last(hash), this.old.last(hash));
  }
}
