import { later, type Instant } from "../../base/instant.ts";
import type { ScriptTrackPlan } from "../../config/track-plan.ts";
import type { UserIds } from "../../base/program.ts";
import type { ScriptResult } from "../host.ts";
import type { Burden } from "../tracking.ts";
import { TalliedVerdict } from "./tallied-verdict.ts";
import type { Track, TrackNeeds } from "./track.ts";

/** One tracked script: runs it again and again, never two at a time, and keeps its verdict. */
export class ScriptTrack implements Track {
  readonly plan: ScriptTrackPlan;
  readonly verdict: TalliedVerdict;
  readonly #user: UserIds | null;
  readonly #needs: TrackNeeds;
  #cancel: (() => void) | null = null;
  readonly #stopped = new AbortController();

  constructor(
    plan: ScriptTrackPlan,
    needs: TrackNeeds,
    from: {
      readonly user: UserIds | null;
      readonly before: TalliedVerdict | null;
      readonly isAdopted: boolean;
    },
  ) {
    this.plan = plan;
    this.#needs = needs;
    this.#user = from.user;
    this.verdict = new TalliedVerdict(plan, needs, from);
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
    return this.verdict.burden();
  }

  #conclude(begun: Instant, { hasSucceeded, text }: ScriptResult): void {
    const { host } = this.#needs;
    // Scripts of many tracks, and of all nodes that were started together, drift apart.
    const waitMs = this.plan.intervalMs + host.random() * this.plan.jitterMs;
    this.#cancel = host.clock.schedule(later(begun, waitMs), () => this.start());
    this.verdict.add({ isUp: hasSucceeded, text });
  }
}
