/** How often something may happen for each key. PURE. */

/** The pace that a table holds its keys to. */
export interface Pace {
  /** Time from one to the next. */
  readonly intervalMs: number;
  /** How many may come before their time. */
  readonly burst: number;
}

/** What becomes of one: it has its turn in `delayMs`, or it is refused, and one might pass in `retryMs`. */
export type Turn =
  | { readonly isRefused: false; readonly delayMs: number }
  | { readonly isRefused: true; readonly retryMs: number };

const atOnce: Turn = { isRefused: false, delayMs: 0 };

/** Keys that are known at most; those that have been quiet for longest go first. */
const mostKeys = 100_000;

/**
 * The generic cell rate algorithm: of each key it keeps one number, the time at which the next would be on time. It is the
 * leaky bucket as nginx has it, without a timer.
 */
export class RateTable {
  private readonly due = new Map<string, number>();
  pace: Pace;

  constructor(pace: Pace) {
    this.pace = pace;
  }

  /** Takes a turn for a key. */
  take(key: string, now: number): Turn {
    const { burst, intervalMs } = this.pace;
    const due = this.due.get(key) ?? 0;
    const delayMs = due - now;
    if (delayMs <= 0) {
      this.set(key, now + intervalMs);
      return atOnce;
    }
    // Sums of fractions are off by less than this.
    const tooEarlyMs = delayMs - burst * intervalMs;
    if (tooEarlyMs > 1e-6) return { isRefused: true, retryMs: tooEarlyMs };
    this.set(key, due + intervalMs);
    return { isRefused: false, delayMs };
  }

  /** Counts what has had its turn elsewhere. */
  spend(key: string, count: number, now: number): void {
    const { burst, intervalMs } = this.pace;
    const due = Math.max(this.due.get(key) ?? 0, now) + count * intervalMs;
    // Nobody is held to account for longer than by one process alone.
    this.set(key, Math.min(due, now + (burst + 1) * intervalMs));
  }

  /** How many keys are known. */
  get size(): number {
    return this.due.size;
  }

  private set(key: string, due: number): void {
    this.due.delete(key);
    this.due.set(key, due);
    if (this.due.size <= mostKeys) return;
    const [oldest] = this.due.keys();
    if (oldest !== undefined) this.due.delete(oldest);
  }
}
