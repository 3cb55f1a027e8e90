import type { Answer } from "../answer.ts";
import type { RequestView } from "../request-view.ts";

/**
 * A gate's verdict that takes time. It has taken out of the request what it needs; `begin` is called once, when whatever stands
 * before it lets the request pass, and settles with an answer, or with null to let it pass too. Nobody may wait any more by then.
 */
export interface Wait {
  readonly begin: (settle: (answer: Answer | null) => void) => void;
}

/** What goes on behind waits. */
export interface AfterWaits {
  /** Whether the client has gone: then nothing goes on. */
  readonly isGone: () => boolean;
  readonly pass: () => void;
  readonly answerWith: (answer: Answer) => void;
}

/** Begins one wait after the other, and goes on with the first answer, or when all let the request pass. */
export function afterWaits(waits: readonly Wait[], next: AfterWaits): void {
  const [wait, ...rest] = waits;
  if (wait === undefined) {
    next.pass();
    return;
  }
  wait.begin((answer) => {
    if (next.isGone()) return;
    if (answer === null) afterWaits(rest, next);
    else next.answerWith(answer);
  });
}

/** Lets a request pass, answers it, or has to wait for what becomes of it. */
export type Gate = (view: RequestView) => Answer | Wait | null;

/** A gate that always knows at once. */
export type PromptGate = (view: RequestView) => Answer | null;

/** Tells a wait from an answer. */
export function isWait(verdict: Answer | Wait): verdict is Wait {
  return "begin" in verdict;
}
