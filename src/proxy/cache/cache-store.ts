import { fileOfBody } from "./body-file.ts";
import type { FieldValue } from "./freshness.ts";
import { isNamed, PurgeMarks } from "./purge-marks.ts";
import type { StoredResponse } from "./stored-response.ts";
import { isSameVariant, isSelected } from "./variant.ts";

/** Responses to one URL; more variants than this are not worth their room. */
const mostVariants = 16;

/** The responses that a process keeps, within a bound: what was not asked for the longest goes first. */
export class CacheStore {
  /** Bytes of all entries. */
  bytes = 0;
  /** What was removed by name, which does not come back by an answer that was under way. */
  readonly marks: PurgeMarks = new PurgeMarks();
  private mostBytes = 0;
  private readonly byUrl = new Map<string, StoredResponse[]>();
  /** In the order of their last use. */
  private readonly entries = new Set<StoredResponse>();

  /** Sets the bound. */
  setMost(bytes: number): void {
    this.mostBytes = bytes;
    this.shrink();
  }

  /** Whether so many bytes of one response would fit. */
  mayHold(bytes: number): boolean {
    return bytes <= this.mostBytes;
  }

  /** Gives the response for a request, which then is the one used last; null if there is none. */
  find(url: string, upstream: string, request: FieldValue): StoredResponse | null {
    for (const entry of this.byUrl.get(url) ?? []) {
      if (entry.upstream !== upstream || !isSelected(entry.selecting, request)) continue;
      this.entries.delete(entry);
      this.entries.add(entry);
      return entry;
    }
    return null;
  }

  /** Keeps a response in place of the one before it for the same requests; false if it is too large, stays in a file, or is purged since. */
  put(entry: StoredResponse): boolean {
    if (fileOfBody(entry.body) !== null) return false;
    if (entry.cost > this.mostBytes || this.marks.covers(entry.url, entry.askedAt)) return false;
    const variants = this.byUrl.get(entry.url) ?? [];
    for (const old of variants.filter((one) => isSameVariant(one, entry))) this.remove(old);
    if (variants.length >= mostVariants && variants[0] !== undefined) this.remove(variants[0]);
    const list = this.byUrl.get(entry.url) ?? [];
    list.push(entry);
    this.byUrl.set(entry.url, list);
    this.entries.add(entry);
    this.bytes += entry.cost;
    this.shrink();
    return true;
  }

  /** Removes a response. */
  remove(entry: StoredResponse): void {
    if (!this.entries.delete(entry)) return;
    this.bytes -= entry.cost;
    const variants = this.byUrl.get(entry.url);
    variants?.splice(variants.indexOf(entry), 1);
    if (variants?.length === 0) this.byUrl.delete(entry.url);
  }

  /** Removes the responses to a URL. */
  removeUrl(url: string, now: number): void {
    this.marks.addUrl(url, now);
    for (const entry of this.byUrl.get(url)?.slice() ?? []) this.remove(entry);
  }

  /**
   * Removes what a pattern names: a URL, all that begin as one that ends in `*`, with any scheme if it has none, or
   * everything if it is `*`. Gives how many that were. `now` is of the monotonic clock, as in `removeUrl`.
   */
  purge(pattern: string, now: number): number {
    this.marks.addPattern(pattern, now);
    const urls = [...this.byUrl.keys()].filter((url) => isNamed(url, pattern));
    const gone = urls.flatMap((url) => this.byUrl.get(url) ?? []);
    for (const entry of gone) this.remove(entry);
    return gone.length;
  }

  private shrink(): void {
    for (const entry of this.entries) {
      if (this.bytes <= this.mostBytes) return;
      this.remove(entry);
    }
  }
}
