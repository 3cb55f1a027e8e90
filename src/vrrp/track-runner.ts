import { later, type Instant } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import type { ScriptTrackPlan } from "../config/node-plan.ts";
import type { Host, ScriptResult, UserIds } from "./host.ts";
import { type Burden, freshTally, tally, type Tally } from "./tracking.ts";

/** One tracked script: runs it again and again, never two at a time, and keeps its verdict. */
export class TrackRunner {
  readonly plan: ScriptTrackPlan;
  readonly #user: UserIds | null;
  readonly #needs: TrackNeeds;
  #tally: Tally;
  #lastText = "not run yet";
  #cancel: (() => void) | null = null;
  readonly #stopped = new AbortController();

  constructor(plan: ScriptTrackPlan, needs: TrackNeeds, from: { user: UserIds | null; tally: Tally }) {
    this.plan = plan;
    this.#needs = needs;
    this.#user = from.user;
    this.#tally = from.tally;
  }

  get tally(): Tally {
    return this.#tally;
  }

  /** Runs it now and then at every interval. */
  start(): void {
    const begun = this.#needs.host.clock.now();
    const { command, timeoutMs } = this.plan;
    const { signal } = this.#stopped;
    void this.#needs.host.runScript({ command, timeoutMs, user: this.#user, signal }).then((result) => {
      if (!signal.aborted) this.#conclude(begun, result);
    });
  }

  /** Ends it, and a run that is under way with it. */
  stop(): void {
    this.#stopped.abort();
    this.#cancel?.();
  }

  /** Says what it means for the claims that depend on it, or null while it is up. */
  burden(): Burden | null {
    if (this.#tally.isUp) return null;
    const { name, weight } = this.plan;
    const reason = `track ${name} fails (${this.#lastText})`;
    return { name: `track ${name}`, weight: weight === 0 ? null : weight, reason };
  }

  #conclude(begun: Instant, result: ScriptResult): void {
    const { host, log, changed } = this.#needs;
    const wasUp = this.#tally.isUp;
    this.#lastText = result.text;
    this.#tally = tally(this.#tally, this.plan, result.hasSucceeded);
    this.#cancel = host.clock.schedule(later(begun, this.plan.intervalMs), () => this.start());
    if (this.#tally.isUp === wasUp) return;
    log.notice(`track ${this.plan.name}: ${this.#tally.isUp ? "down → up" : "up → down"}: ${result.text}`);
    changed();
  }
}

/** What tracking takes. */
export interface TrackNeeds {
  readonly host: Pick<Host, "clock" | "runScript">;
  readonly log: Log;
  /** Called when the verdict has turned. */
  readonly changed: () => void;
}

/** The tally a new runner goes on with. */
export function continuedTally(before: TrackRunner | undefined, isAdopted: boolean): Tally {
  return before?.tally ?? freshTally(isAdopted);
}
