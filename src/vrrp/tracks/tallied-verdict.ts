import type { TrackEffect } from "../../config/track-plan.ts";
import {
  type Burden,
  freshTally,
  type Sight,
  tally,
  type Tally,
  type TallyRule,
  verdictBurden,
} from "../tracking.ts";
import type { TrackNeeds } from "./track.ts";

/** The verdict on something that is asked again and again: it turns after some results in a row. */
export class TalliedVerdict {
  readonly #plan: TrackEffect & TallyRule;
  readonly #needs: Pick<TrackNeeds, "log" | "changed">;
  #tally: Tally;
  #text: string;

  constructor(
    plan: TrackEffect & TallyRule,
    needs: Pick<TrackNeeds, "log" | "changed">,
    from: { readonly before: TalliedVerdict | null; readonly isAdopted: boolean },
  ) {
    this.#plan = plan;
    this.#needs = needs;
    // Before the first result nothing speaks against the claim, also in reverse.
    // Before the first result nothing speaks against the claim, also in reverse.
    const { before } = from;
    this.#tally = before === null ? freshTally(from.isAdopted, !plan.reverse) : before.#tally;
    this.#text = before === null ? "not asked yet" : before.#text;
  }

  /** Adds a result, and tells `changed` if it matters. */
  add(sight: Sight): void {
    const { log, changed } = this.#needs;
    const before = this.#tally;
    this.#text = sight.text;
    this.#tally = tally(before, this.#plan, sight.isUp);
    const { isUp } = this.#tally;
    if (isUp !== before.isUp) {
      log.notice(`track ${this.#plan.name}: ${isUp ? "down → up" : "up → down"}: ${sight.text}`);
    }
    // The first result counts even if it says what was assumed: a weight above 0 is added from now on.
    if (isUp !== before.isUp || !before.isSettled) changed();
  }

  /** Says what it adds to the claims, or null if nothing. */
  burden(): Burden | null {
    const { isUp, isSettled } = this.#tally;
    return verdictBurden(this.#plan, isSettled ? { isUp, text: this.#text } : null);
  }
}
