import { later } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import type { InterfaceTrackPlan } from "../config/node-plan.ts";
import type { Host } from "./host.ts";
import { type Interfaces, linkProblem } from "./interfaces.ts";
import type { Burden } from "./tracking.ts";

/** What a tracked link takes. */
export interface LinkTrackNeeds {
  readonly host: Pick<Host, "clock">;
  readonly interfaces: Interfaces;
  readonly log: Log;
  /** Called when the verdict has turned after a delay. */
  readonly changed: () => void;
}

/** One tracked link: down without carrier, at once or once it has lasted. */
export class LinkTrack {
  readonly plan: InterfaceTrackPlan;
  readonly #needs: LinkTrackNeeds;
  /** Why it counts as down, or null. */
  #problem: string | null;
  #cancel: (() => void) | null = null;

  constructor(plan: InterfaceTrackPlan, needs: LinkTrackNeeds) {
    this.plan = plan;
    this.#needs = needs;
    this.#problem = this.#see();
  }

  /** Looks at the link as last heard of; the caller weighs the claims again afterwards. */
  look(): void {
    const seen = this.#see();
    const isTurning = (seen === null) !== (this.#problem === null);
    if (!isTurning) {
      this.#problem = seen;
      return this.stop();
    }
    const delayMs = seen === null ? this.plan.upDelayMs : this.plan.downDelayMs;
    if (delayMs === 0) return this.#turn(seen);
    const { clock } = this.#needs.host;
    this.#cancel ??= clock.schedule(later(clock.now(), delayMs), () => {
      this.#turn(this.#see());
      this.#needs.changed();
    });
  }

  /** Ends the wait for a delay. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Says what it means for the claims that depend on it, or null while it is up. */
  burden(): Burden | null {
    if (this.#problem === null) return null;
    const { name, weight } = this.plan;
    const reason = `track ${name} fails (${this.#problem})`;
    return { name: `track ${name}`, weight: weight === 0 ? null : weight, reason };
  }

  #turn(seen: string | null): void {
    this.stop();
    this.#problem = seen;
    const { name, interface: link } = this.plan;
    const text = seen === null ? `down → up: interface ${link} has carrier` : `up → down: ${seen}`;
    this.#needs.log.notice(`track ${name}: ${text}`);
  }

  #see(): string | null {
    const { interface: link } = this.plan;
    return linkProblem(link, this.#needs.interfaces.linkNamed(link));
  }
}
