import type { InterfaceTrackPlan } from "../../config/track-plan.ts";
import { linkProblem } from "../interfaces.ts";
import type { Burden, Sight } from "../tracking.ts";
import { DelayedVerdict } from "./delayed-verdict.ts";
import type { Track, TrackNeeds } from "./track.ts";

/** One tracked link: down without carrier, at once or once it has lasted. */
export class LinkTrack implements Track {
  readonly plan: InterfaceTrackPlan;
  readonly #needs: TrackNeeds;
  readonly #verdict: DelayedVerdict;

  constructor(plan: InterfaceTrackPlan, needs: TrackNeeds) {
    this.plan = plan;
    this.#needs = needs;
    this.#verdict = new DelayedVerdict(plan, needs, this.#see());
  }

  /** Nothing to begin: links are heard of all the time. */
  start(): void {}

  look(): void {
    this.#verdict.see(this.#see());
  }

  stop(): void {
    this.#verdict.stop();
  }

  burden(): Burden | null {
    return this.#verdict.burden();
  }

  #see(): Sight {
    const { interface: link } = this.plan;
    const problem = linkProblem(link, this.#needs.interfaces.linkNamed(link));
    return problem === null
      ? { isUp: true, text: `interface ${link} has carrier` }
      : { isUp: false, text: problem };
  }
}
