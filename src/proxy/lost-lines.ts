import type { Log } from "../base/log.ts";

/** One word in this time. */
const quietMs = 10_000;

/** Tells that syslog does not get lines of access logs, and of how many that is known; once in 10 s at most. */
export class LostLines {
  private readonly where: string;
  private readonly log: Log;
  private readonly now: () => number;
  private count = 0;
  private quietUntil = Number.NEGATIVE_INFINITY;

  /** `where` is the server or the socket; `now` gives milliseconds of the monotonic clock. */
  constructor(where: string, log: Log, now: () => number = () => performance.now()) {
    this.where = where;
    this.log = log;
    this.now = now;
  }

  /** Counts a line that there is no room for. */
  add(): void {
    this.count += 1;
  }

  /** Whether lines were counted that nothing was told of. */
  get hasAny(): boolean {
    return this.count > 0;
  }

  /** Tells why lines are lost; those that were counted are told of together with whatever is told next. */
  tell(why: string): void {
    const now = this.now();
    if (now < this.quietUntil) return;
    this.quietUntil = now + quietMs;
    const lines = this.count === 0 ? "lines" : `${this.count} lines`;
    this.log.error(`access log to syslog ${this.where}: ${why}; ${lines} are lost`);
    this.count = 0;
  }
}
