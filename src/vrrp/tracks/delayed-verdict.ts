import { later } from "../../base/instant.ts";
import type { TrackDelays, TrackEffect } from "../../config/track-plan.ts";
import { type Burden, type Sight, verdictBurden } from "../tracking.ts";
import type { TrackNeeds } from "./track.ts";

/** The verdict on something that can be seen at any time: a change counts at once, or once it has lasted. */
export class DelayedVerdict {
  readonly #plan: TrackEffect & TrackDelays;
  readonly #needs: Pick<TrackNeeds, "log" | "changed" | "host">;
  /** What counts; null while nothing is known. */
  #standing: Sight | null;
  /** What was seen last. */
  #seen: Sight | null;
  #cancel: (() => void) | null = null;

  constructor(
    plan: TrackEffect & TrackDelays,
    needs: Pick<TrackNeeds, "log" | "changed" | "host">,
    first: Sight | null,
  ) {
    this.#plan = plan;
    this.#needs = needs;
    this.#standing = first;
    this.#seen = first;
  }

  /**
   * Takes note of how it looks now; true if that changes what counts, be it the reason alone. A verdict that counts later
   * tells `changed` itself.
   */
  see(sight: Sight): boolean {
    this.#seen = sight;
    const before = this.#standing;
    if (before === null || before.isUp === sight.isUp) {
      this.stop();
      this.#standing = sight;
      return before?.text !== sight.text;
    }
    const { clock } = this.#needs.host;
    const delayMs = sight.isUp ? this.#plan.upDelayMs : this.#plan.downDelayMs;
    if (delayMs === 0) {
      this.#turn();
      return true;
    }
    this.#cancel ??= clock.schedule(later(clock.now(), delayMs), () => {
      this.#turn();
      this.#needs.changed();
    });
    return false;
  }

  /** Ends the wait for a delay. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Says what it adds to the claims, or null if nothing. */
  burden(): Burden | null {
    return verdictBurden(this.#plan, this.#standing);
  }

  #turn(): void {
    this.stop();
    const sight = this.#seen;
    if (sight === null) return;
    this.#standing = sight;
    const turn = sight.isUp ? "down → up" : "up → down";
    this.#needs.log.notice(`track ${this.#plan.name}: ${turn}: ${sight.text}`);
  }
}
