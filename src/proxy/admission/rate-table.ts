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

/** The time at which the next of a key would be on time. */
interface Due {
  at: number;
}

const atOnce: Turn = { isRefused: false, delayMs: 0 };

/** Keys that are known at most; those go first whose time has passed, or lies nearest. */
const mostKeys = 100_000;
/** How many are looked at to find one that may go. */
const mostLooks = 16;

/**
 * The generic cell rate algorithm: of each key it keeps one number, the time at which the next would be on time. It is the
 * leaky bucket as nginx has it, without a timer.
 */
export class RateTable {
  private readonly keys = new Map<string, Due>();
  /** Goes round among the keys: to put each in its place by its last turn would cost more than the rest of the turn. */
  private hand = this.keys.entries();
  pace: Pace;

  constructor(pace: Pace) {
    this.pace = pace;
  }

  /** Takes a turn for a key. */
  take(key: string, now: number): Turn {
    const { burst, intervalMs } = this.pace;
    const known = this.keys.get(key);
    if (known === undefined) {
      this.add(key, now + intervalMs, now);
      return atOnce;
    }
    const delayMs = known.at - now;
    if (delayMs <= 0) {
      known.at = now + intervalMs;
      return atOnce;
    }
    // Sums of fractions are off by less than this.
    const tooEarlyMs = delayMs - burst * intervalMs;
    if (tooEarlyMs > 1e-6) return { isRefused: true, retryMs: tooEarlyMs };
    known.at += intervalMs;
    return { isRefused: false, delayMs };
  }

  /** Counts what has had its turn elsewhere. */
  spend(key: string, count: number, now: number): void {
    const { burst, intervalMs } = this.pace;
    const known = this.keys.get(key);
    const due = Math.max(known?.at ?? 0, now) + count * intervalMs;
    // Nobody is held to account for longer than by one process alone.
    const at = Math.min(due, now + (burst + 1) * intervalMs);
    if (known === undefined) this.add(key, at, now);
    else known.at = at;
  }

  /** How many keys are known. */
  get size(): number {
    return this.keys.size;
  }

  private add(key: string, at: number, now: number): void {
    if (this.keys.size >= mostKeys) this.makeRoom(now);
    this.keys.set(key, { at });
  }

  /** Forgets a key whose time has passed, to which that makes no difference; if none of a few is, the quietest of them. */
  private makeRoom(now: number): void {
    let quietest = "";
    let least = Number.POSITIVE_INFINITY;
    for (let looks = 0; looks < mostLooks && least > now; looks++) {
      const { done, value } = this.hand.next();
      if (done === true) {
        this.hand = this.keys.entries();
        continue;
      }
      const [key, { at }] = value;
      if (at >= least) continue;
      least = at;
      quietest = key;
    }
    this.keys.delete(quietest);
  }
}
