import { ChangedUrls } from "./changed-urls.ts";

/** Of a purge: what it named, and when it was heard, in milliseconds of the monotonic clock. */
export interface PurgeMark {
  readonly pattern: string;
  readonly at: number;
}

/** More patterns than this are as good as everything. */
const mostPatterns = 1000;

/**
 * What was purged, or changed, and when: an answer that was asked for before that is not kept, though it comes later, or is
 * found on a disk.
 */
export class PurgeMarks {
  private list: PurgeMark[] = [];
  private readonly urls = new ChangedUrls();

  /** Notes that a URL has changed. */
  addUrl(url: string, at: number): void {
    this.urls.add(url, at);
  }

  /** Notes what an operator's pattern names. */
  addPattern(pattern: string, at: number): void {
    const before = this.list.find((mark) => mark.pattern === pattern)?.at ?? at;
    const last = Math.max(before, at);
    this.list = this.list.filter((mark) => mark.pattern !== pattern && (pattern !== "*" || mark.at > last));
    this.list.push({ pattern, at: last });
    if (this.list.length <= mostPatterns) return;
    this.list = [{ pattern: "*", at: Math.max(...this.list.map((mark) => mark.at)) }];
  }

  /** The patterns, with the time of each one's last purge. */
  get patterns(): readonly PurgeMark[] {
    return this.list;
  }

  /** Tells whether an answer for a URL that was asked for at a time is gone since. */
  covers(url: string, askedAt: number): boolean {
    if (this.urls.hasSince(url, askedAt)) return true;
    return this.list.some(({ at, pattern }) => askedAt <= at && isNamed(url, pattern));
  }
}

/** Tells whether a pattern names a URL: itself, or all that begin as one that ends in `*`; with any scheme if it has none. */
export function isNamed(url: string, pattern: string): boolean {
  const subject = pattern.includes("://") ? url : url.slice(url.indexOf("://") + 3);
  if (pattern.endsWith("*")) return subject.startsWith(pattern.slice(0, -1));
  return subject === pattern;
}
