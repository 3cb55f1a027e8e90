import type { Answer } from "../answer.ts";
import type { RequestView } from "../request-view.ts";

/**
 * A gate's verdict that takes time. It has taken out of the request what it needs; `begin` is called once, when whatever stands
 * before it lets the request pass, and settles with an answer, or with null to let it pass too. Nobody may wait any more by then.
 */
export interface Wait {
  readonly begin: (settle: (answer: Answer | null) => void) => void;
}

/** Lets a request pass, answers it, or has to wait for what becomes of it. */
export type Gate = (view: RequestView) => Answer | Wait | null;

/** A gate that always knows at once. */
export type PromptGate = (view: RequestView) => Answer | null;

/** Tells a wait from an answer. */
export function isWait(verdict: Answer | Wait): verdict is Wait {
  return "begin" in verdict;
}
