import type { ConnectionLimitPlan } from "../../config/admission-plan.ts";
import { plainAnswer } from "../answer.ts";
import type { OpenCounts } from "../open-counts.ts";
import type { PromptGate } from "./gate.ts";
import { limitKey } from "./limit-key.ts";

/** What a connection limit needs of its process. */
export interface ConnectionContext {
  /** Milliseconds of the monotonic clock. */
  readonly now: () => number;
  readonly open: OpenCounts;
  /** Has the other processes told at once: there is room again where there was none. */
  readonly roomMade: () => void;
}

/** A place that a request has taken, until it ends. */
export interface Hold {
  /** Gives it back; once. */
  release(): void;
}

/** Makes the gate that lets a number of requests of each key pass at a time. One without a key, such as one without the cookie, passes. */
export function connectionLimitGate(plan: ConnectionLimitPlan, context: ConnectionContext): PromptGate {
  const keyOf = limitKey(plan.key);
  const refusal = plainAnswer(plan.status);
  return (view) => {
    const key = keyOf(view);
    if (key === null) return null;
    const { now, open } = context;
    const name = `limit ${plan.id}\0${key}`;
    if (open.count(name, now()) >= plan.connections) return refusal;
    open.set(name, open.ownCount(name) + 1);
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      const wasFull = open.count(name, now()) >= plan.connections;
      open.set(name, open.ownCount(name) - 1);
      if (wasFull && open.isOverstated(name)) context.roomMade();
    };
    view.hold = { release };
    return null;
  };
}
