import type { ProbeTiming } from "../config/check-plan.ts";

/** How one attempt, retries included, ended; `text` is what a person gets to read. */
export interface AttemptResult {
  readonly isOk: boolean;
  readonly text: string;
}

/**
 * What is believed of a server and how much speaks against it. PURE.
 *
 * ```
 *   first ──ok──► up ──`fall` failures in a row──► down ──`rise` successes in a row──► up
 *     └───failure──────────────────────────────────►┘
 * ```
 * A server that nobody has asked yet counts as up, and its first result decides alone (docs/decisions/up-until-failed.md).
 */
export interface Tally {
  readonly isUp: boolean;
  /** Whether the verdict rests on a result, of this process or of the one before it. */
  readonly isKnown: boolean;
  /** Results in a row that contradict the verdict. */
  readonly against: number;
}

/** A change of the verdict, or the first one there is. */
export interface VerdictChange {
  readonly isUp: boolean;
  readonly reason: string;
}

/** The tally of a server about which nothing is known. */
export const unknownTally: Tally = { isUp: true, isKnown: false, against: 0 };

/** The tally of a server whose verdict was found standing, such as by its entry in the kernel's table. */
export function standingTally(isUp: boolean): Tally {
  return { isUp, isKnown: true, against: 0 };
}

/** Counts one result; the change is null if the verdict stands. */
export function count(
  tally: Tally,
  result: AttemptResult,
  limits: Pick<ProbeTiming, "rise" | "fall">,
): { readonly tally: Tally; readonly change: VerdictChange | null } {
  const { isOk, text } = result;
  if (!tally.isKnown) return { tally: standingTally(isOk), change: { isUp: isOk, reason: text } };
  if (isOk === tally.isUp) return { tally: standingTally(isOk), change: null };
  const against = tally.against + 1;
  const limit = isOk ? limits.rise : limits.fall;
  if (against < limit) return { tally: { ...tally, against }, change: null };
  const reason = limit === 1 ? text : `${text}, ${limit} times in a row`;
  return { tally: standingTally(isOk), change: { isUp: isOk, reason } };
}
