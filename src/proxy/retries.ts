import type { RetryRules, UpstreamFault } from "../config/upstream-policy.ts";

/** So many tries are paid for before the first request, and saved up at most. */
const startTokens = 10;
const mostTokens = 100;

/**
 * Pays for sending requests again, so that servers which fail everything do not get everything several times. Each request
 * puts a share of a try in, and a second one, so that where there is little traffic a try now and then is always paid for.
 */
export class RetryBudget {
  private tokens = startTokens;
  private share = 0;
  private filledAt: number | null = null;

  /** Sets what each request pays: 0.2 lets one of five be sent again. */
  setShare(share: number): void {
    this.share = share;
  }

  /** Counts a request. */
  pay(): void {
    if (this.tokens < mostTokens) this.tokens += this.share;
  }

  /** Takes a try; false if it is not paid for. `now` is milliseconds of the monotonic clock. */
  take(now: number): boolean {
    const seconds = this.filledAt === null ? 0 : Math.max(0, now - this.filledAt) / 1_000;
    this.filledAt = now;
    if (this.share > 0) this.tokens = Math.min(mostTokens, this.tokens + seconds);
    if (this.share === 0 || this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}

/** How a request stands when a server has failed it. */
export interface Attempts {
  readonly fault: UpstreamFault;
  /** Servers that were asked, with the one that has just failed. */
  readonly made: number;
  /** When the first was asked, and now, in milliseconds of the monotonic clock. */
  readonly startedAt: number;
  readonly now: number;
}

/** Tells whether its rules allow another try, if that is paid for. PURE. */
export function allowsRetry(plan: RetryRules, attempts: Attempts): boolean {
  return plan.on.includes(attempts.fault) && hasTryLeft(plan, attempts);
}

/** Tells whether another server may be asked by number and time. PURE. */
export function hasTryLeft({ tries, timeoutMs }: RetryRules, attempts: Omit<Attempts, "fault">): boolean {
  return (
    (tries === null || attempts.made < tries) &&
    (timeoutMs === null || attempts.now - attempts.startedAt < timeoutMs)
  );
}
