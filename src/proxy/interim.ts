/** Interim responses that a server may send to one request at once. */
const mostAtOnce = 16;

/**
 * PURE: tells whether a server floods a request with interim responses. One more each second is not: a server may say for as long as
 * it works that it still does (102; RFC 9110 §15.2 sets no limit). `elapsedMs` has passed since the first of them.
 */
export function isInterimFlood(count: number, elapsedMs: number): boolean {
  return count > mostAtOnce + elapsedMs / 1000;
}

/** The interim responses to one request, from the first. PURE. */
export class Interim {
  private readonly since: number;
  private count = 0;

  /** `now` is in milliseconds of the monotonic clock, here and below. */
  constructor(now: number) {
    this.since = now;
  }

  /** Counts one, and tells whether it is one too many. */
  isOneTooMany(now: number): boolean {
    return isInterimFlood(++this.count, now - this.since);
  }
}
