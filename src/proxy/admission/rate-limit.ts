import type { RateLimitPlan } from "../../config/admission-plan.ts";
import { plainAnswer, type Answer } from "../answer.ts";
import type { Gate } from "./gate.ts";
import { limitKey } from "./limit-key.ts";
import type { RateTable } from "./rate-table.ts";

/** What a rate limit needs of its process. */
export interface RateContext {
  /** Milliseconds of the monotonic clock. */
  readonly now: () => number;
  readonly after: (then: () => void, ms: number) => void;
  /** Notes a turn, for the other processes. */
  readonly spent: (limit: string, key: string) => void;
}

/** Makes the gate that holds requests to a pace. One without a key, such as one without the cookie, passes. */
export function rateLimitGate(plan: RateLimitPlan, table: RateTable, context: RateContext): Gate {
  const keyOf = limitKey(plan.key);
  return (view) => {
    const key = keyOf(view);
    if (key === null) return null;
    const turn = table.take(key, context.now());
    if (turn.isRefused) return tooMany(turn.retryMs);
    context.spent(plan.id, key);
    if (!plan.delays || turn.delayMs <= 0) return null;
    return { begin: (settle) => context.after(() => settle(null), turn.delayMs) };
  };
}

/** RFC 6585 §4. */
function tooMany(retryMs: number): Answer {
  const { body, fields, status } = plainAnswer(429);
  return { status, fields: `Retry-After: ${Math.max(1, Math.ceil(retryMs / 1000))}\r\n${fields}`, body };
}
