import type { FoundName } from "../config/lookup-plan.ts";
import type { DirectorPlan } from "../config/node-plan.ts";
import { directorChange } from "../ipc/director-change.ts";
import type { PlanMessage } from "../ipc/arriving-plan.ts";
import type { Verdict } from "../ipc/messages.ts";
import { planText, servicesTexts } from "../ipc/plan-text.ts";

/**
 * Tells the director process of plans: a process that has just said hello the whole of it, and one that has a plan what
 * differs from that. Whoever is told nothing any more, because it has died, is followed by one that says hello.
 */
export class DirectorOrders {
  readonly #verdicts: () => readonly Verdict[];
  readonly #found: () => readonly FoundName[];
  #told: DirectorPlan | null = null;

  /** `verdicts` gives what is known of all probes, and `found` of names, for a process that comes after another. */
  constructor(verdicts: () => readonly Verdict[], found: () => readonly FoundName[]) {
    this.#verdicts = verdicts;
    this.#found = found;
  }

  /** Makes the message for a process that knows no plan; what `ahead` is given goes before it. */
  whole(plan: DirectorPlan, ahead: (message: PlanMessage) => void): PlanMessage {
    this.#told = plan;
    for (const services of servicesTexts(plan.services)) ahead({ kind: "services", services });
    return { kind: "configure", plan: planText(plan), verdicts: this.#verdicts(), found: this.#found() };
  }

  /** Makes the message for the process that got the last one, whether or not it carried that out; null if none did. */
  next(plan: DirectorPlan): PlanMessage | null {
    const before = this.#told;
    if (before === null) return null;
    this.#told = plan;
    return { kind: "change", change: directorChange(before, plan) };
  }
}
