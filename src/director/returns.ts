import { type Instant, later } from "../base/instant.ts";
import type { DampingPlan } from "../config/service-plan.ts";

interface History {
  isUp: boolean | null;
  /** When it came back; null if it was never away, or has its full weight by now. */
  returnedAt: Instant | null;
  failures: Instant[];
  heldUntil: Instant | null;
}

/**
 * Remembers when servers failed and came back: for those that start slowly, and for those that come and go. PURE but for
 * its memory. What is seen for the first time neither failed nor came back.
 */
export class Returns {
  readonly #histories = new Map<string, History>();

  /** Notes a verdict; gives whether the server is kept out from now on because it failed too often. */
  note(server: string, isUp: boolean, now: Instant, damping: DampingPlan | null): boolean {
    const history = this.#historyOf(server);
    const before = history.isUp;
    history.isUp = isUp;
    if (before === null || before === isUp) return false;
    if (isUp) {
      history.returnedAt = now;
      return false;
    }
    history.returnedAt = null;
    if (damping === null) return false;
    const recent = [...history.failures, now].filter((at) => later(at, damping.withinMs) > now);
    history.failures = recent;
    if (recent.length < damping.changes) return false;
    const wasHeld = history.heldUntil !== null && history.heldUntil > now;
    history.heldUntil = later(now, damping.holdMs);
    return !wasHeld;
  }

  /** Notes that a server gets connections again for another reason, such as an operator's word. */
  noteReturn(server: string, now: Instant): void {
    this.#historyOf(server).returnedAt = now;
  }

  /**
   * Ends what time, or a new plan, has ended for a server, whether or not it may have a weight at present: being kept out,
   * after which one that is up starts as one that has just come back, and a slow start.
   */
  settle(
    server: string,
    now: Instant,
    { isDamped, slowStartMs }: { readonly isDamped: boolean; readonly slowStartMs: number },
  ): void {
    const history = this.#histories.get(server);
    if (history === undefined) return;
    if (history.heldUntil !== null && (!isDamped || history.heldUntil <= now)) {
      history.heldUntil = null;
      history.failures = [];
      history.returnedAt = history.isUp === true ? now : null;
    }
    if (history.returnedAt !== null && later(history.returnedAt, slowStartMs) <= now)
      history.returnedAt = null;
  }

  /** Whether a server is kept out. */
  isHeldOut(server: string, now: Instant): boolean {
    const heldUntil = this.#histories.get(server)?.heldUntil ?? null;
    return heldUntil !== null && heldUntil > now;
  }

  /** The share of its weight that a server gets `slowStartMs` long after it came back: in steps of a twentieth. */
  shareOf(server: string, now: Instant, slowStartMs: number): number {
    const returnedAt = this.#histories.get(server)?.returnedAt ?? null;
    if (slowStartMs === 0 || returnedAt === null) return 1;
    const passed = (now - returnedAt) / slowStartMs;
    return passed < 1 ? Math.max(1, Math.floor(passed * 20)) / 20 : 1;
  }

  /** Whether time alone will change something that has not been settled: a slow start, or being kept out. */
  get isWaiting(): boolean {
    for (const { returnedAt, heldUntil } of this.#histories.values()) {
      if (returnedAt !== null || heldUntil !== null) return true;
    }
    return false;
  }

  /** Forgets servers that are no more. */
  keep(servers: ReadonlySet<string>): void {
    for (const server of this.#histories.keys()) if (!servers.has(server)) this.#histories.delete(server);
  }

  #historyOf(server: string): History {
    const found = this.#histories.get(server);
    if (found !== undefined) return found;
    const made: History = { isUp: null, returnedAt: null, failures: [], heldUntil: null };
    this.#histories.set(server, made);
    return made;
  }
}
