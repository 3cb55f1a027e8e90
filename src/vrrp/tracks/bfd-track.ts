import type { BfdTrackPlan } from "../../config/track-plan.ts";
import type { Burden } from "../tracking.ts";
import { DelayedVerdict } from "./delayed-verdict.ts";
import type { Track, TrackNeeds } from "./track.ts";

/** One tracked BFD session: it fails while the session is down, but not because the peer's operator took it down. */
export class BfdTrack implements Track {
  readonly plan: BfdTrackPlan;
  readonly #needs: TrackNeeds;
  readonly #verdict: DelayedVerdict;

  constructor(plan: BfdTrackPlan, needs: TrackNeeds) {
    this.plan = plan;
    this.#needs = needs;
    this.#verdict = new DelayedVerdict(plan, needs, needs.bfd(plan.session));
  }

  /** Nothing to begin: sessions go on all the time. */
  start(): void {}

  look(): void {
    const sight = this.#needs.bfd(this.plan.session);
    if (sight !== null) this.#verdict.see(sight);
  }

  stop(): void {
    this.#verdict.stop();
  }

  burden(): Burden | null {
    return this.#verdict.burden();
  }
}
