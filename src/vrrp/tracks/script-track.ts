import { later, type Instant } from "../../base/instant.ts";
import type { ScriptTrackPlan } from "../../config/track-plan.ts";
import type { ScriptResult, UserIds } from "../host.ts";
import { type Burden, freshTally, tally, type Tally, verdictBurden } from "../tracking.ts";
import type { Track, TrackNeeds } from "./track.ts";

/** One tracked script: runs it again and again, never two at a time, and keeps its verdict. */
export class ScriptTrack implements Track {
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

  /** Nothing to look at: results come by themselves. */
  look(): void {}

  /** Ends it, and a run that is under way with it. */
  stop(): void {
    this.#stopped.abort();
    this.#cancel?.();
  }

  burden(): Burden | null {
    const { isUp, isSettled } = this.#tally;
    return verdictBurden(this.plan, isSettled ? { isUp, text: this.#lastText } : null);
  }

  #conclude(begun: Instant, result: ScriptResult): void {
    const { host, log, changed } = this.#needs;
    const before = this.#tally;
    this.#lastText = result.text;
    this.#tally = tally(before, this.plan, result.hasSucceeded);
    this.#cancel = host.clock.schedule(later(begun, this.plan.intervalMs), () => this.start());
    const { isUp } = this.#tally;
    if (isUp !== before.isUp) {
      log.notice(`track ${this.plan.name}: ${isUp ? "down → up" : "up → down"}: ${result.text}`);
    }
    // The first result counts even if it says what was assumed: a weight above 0 is added from now on.
    if (isUp !== before.isUp || !before.isSettled) changed();
  }
}

/** The tally a script's track goes on with. */
export function continuedTally(
  before: Tally | undefined,
  fresh: { readonly reverse: boolean; readonly isAdopted: boolean },
): Tally {
  return before ?? freshTally(fresh.isAdopted, !fresh.reverse);
}
