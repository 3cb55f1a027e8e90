import type { ConnectionLimitPlan } from "../../config/admission-plan.ts";
import { plainAnswer } from "../answer.ts";
import type { CommonCounts } from "../common-counts.ts";
import type { PromptGate } from "./gate.ts";
import { limitKey } from "./limit-key.ts";

/** A place that a request has taken, until it ends. */
export interface Hold {
  /** Gives it back; once. */
  release(): void;
}

/**
 * Makes the gate that lets a number of requests of each key pass at a time, by all processes together. One without a key, such as
 * one without the cookie, passes.
 */
export function connectionLimitGate(plan: ConnectionLimitPlan, counts: CommonCounts): PromptGate {
  const keyOf = limitKey(plan.key);
  const refusal = plainAnswer(plan.status);
  // Where requests choose their key there may be any number of them.
  const kind = plan.key.kind === "all" ? "configured" : "source";
  return (view) => {
    const text = keyOf(view);
    if (text === null) return null;
    const key = counts.key(`limit ${plan.id}\0${text}`, kind);
    if (!counts.enter(key, plan.connections)) return refusal;
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      counts.leave(key);
    };
    view.hold = { release };
    return null;
  };
}
