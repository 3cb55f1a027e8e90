import { assert } from "../base/assert.ts";
import type { DirectorPlan } from "../config/node-plan.ts";
import type { IpvsServicePlan } from "../config/service-plan.ts";
import { changedDirectorPlan } from "./director-change.ts";
import type { ToDirector } from "./messages.ts";
import { planOfText, servicesOfText } from "./plan-text.ts";

/** The messages that a plan comes in. */
export type PlanMessage = Extract<ToDirector, { readonly kind: "services" | "configure" | "change" }>;

/** Puts plans together as they come from the supervisor: whole ones, with services ahead of them, and what differs from the last. */
export class ArrivingPlan {
  readonly #ahead: IpvsServicePlan[] = [];
  #told: DirectorPlan | null = null;

  /** Takes the next message; gives the plan once it is whole, and null before. */
  take(message: PlanMessage): DirectorPlan | null {
    if (message.kind === "services") {
      this.#ahead.push(...servicesOfText(message.services));
      return null;
    }
    if (message.kind === "configure") {
      this.#told = planOfText(message.plan, this.#ahead.splice(0));
    } else {
      assert(this.#told !== null, "a change follows a plan");
      this.#told = changedDirectorPlan(this.#told, message.change);
    }
    return this.#told;
  }
}
