import type { ServersTrackPlan } from "../../config/track-plan.ts";
import { type Burden, serversSight } from "../tracking.ts";
import { DelayedVerdict } from "./delayed-verdict.ts";
import type { Track, TrackNeeds } from "./track.ts";

/** The servers behind a service or an upstream: well while enough of them are healthy. */
export class ServersTrack implements Track {
  readonly plan: ServersTrackPlan;
  readonly #needs: TrackNeeds;
  readonly #verdict: DelayedVerdict;

  constructor(plan: ServersTrackPlan, needs: TrackNeeds) {
    this.plan = plan;
    this.#needs = needs;
    this.#verdict = new DelayedVerdict(plan, needs, null);
    this.look();
  }

  /** Nothing to begin: verdicts come by themselves. */
  start(): void {}

  look(): void {
    const sight = serversSight(this.plan, (probe) => this.#needs.verdicts.of(probe));
    if (sight !== null) this.#verdict.see(sight);
  }

  stop(): void {
    this.#verdict.stop();
  }

  burden(): Burden | null {
    return this.#verdict.burden();
  }
}
