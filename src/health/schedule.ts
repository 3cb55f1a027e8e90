import { later, type Instant } from "../base/instant.ts";
import type { ProbeTiming } from "../config/check-plan.ts";

/** When a probe's next attempt is due, and which attempt of its round that is. PURE. */
export interface Schedule {
  readonly due: Instant;
  /** When the round began; the next round is measured from here, so that a slow answer does not slow the checks. */
  readonly roundStart: Instant;
  /** Rounds begun so far. */
  readonly round: number;
  /** Failed attempts of this round. */
  readonly failures: number;
}

/** First attempts of all probes fall within this time of a start or reload. */
export const firstSpreadMs = 200;

/** Without a word of the operator, an interval is shortened by up to this share of itself; it is never prolonged. */
export const jitterShare = 0.05;

/** Gives a number from 0 to below 1 that is always the same for the same probe and round (FNV-1a). */
function spread(id: string, round: number): number {
  let hash = 0x811c9dc5;
  for (const character of `${id} ${round}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  // The low bits of FNV-1a mix well, the high ones do not in short texts.
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0) / 0x1_0000_0000;
}

/** Gives the schedule of a probe that is new at `now`. */
export function firstSchedule(probe: ProbeTiming, now: Instant): Schedule {
  const due = later(now, spread(probe.id, 0) * Math.min(firstSpreadMs, probe.intervalMs));
  return { due, roundStart: due, round: 0, failures: 0 };
}

/** Notes that the attempt that was due has begun at `now`. */
export function attemptStarted(schedule: Schedule, now: Instant): Schedule {
  return schedule.failures === 0 ? { ...schedule, roundStart: now } : schedule;
}

/** Another attempt is not made earlier than so long after the last one began, whatever others have seen. */
export const hastenPauseMs = 250;

/**
 * Gives the schedule of a probe whose server has failed somebody else at `now`. The next attempt is due at once, as the retry
 * of one that failed; if the last one began at `begunAt`, not before a pause is over.
 */
export function hastened(schedule: Schedule, begunAt: Instant, now: Instant): Schedule {
  const earliest = later(begunAt, hastenPauseMs);
  const due = earliest > now ? earliest : now;
  if (due >= schedule.due) return schedule;
  // Between two rounds, the next one begins here.
  return schedule.failures > 0 ? { ...schedule, due } : { ...schedule, due, roundStart: due, failures: 1 };
}

/**
 * Gives what follows an attempt that ended at `now`. Its result counts if it is a success, or a failure after
 * which no retry is left.
 */
export function attemptEnded(
  probe: ProbeTiming,
  schedule: Schedule,
  result: {
    readonly isOk: boolean;
    readonly at: Instant;
    readonly mayRetry: boolean;
    /** Whether the server counts as up and nothing speaks against it, this result included. */
    readonly isSettled: boolean;
  },
): { readonly schedule: Schedule; readonly isCounted: boolean } {
  const failures = result.isOk ? 0 : schedule.failures + 1;
  if (!result.isOk && result.mayRetry && failures <= probe.retries) {
    const due = later(result.at, probe.retryDelayMs);
    return { schedule: { ...schedule, failures, due }, isCounted: false };
  }
  const round = schedule.round + 1;
  const wholeMs = result.isSettled ? probe.intervalMs : (probe.fastIntervalMs ?? probe.intervalMs);
  // First attempts come in one burst, so that everything is known soon. The second ones spread over the whole interval, or
  // the burst would come again in each.
  const usualJitterMs = probe.jitterMs ?? wholeMs * jitterShare;
  const jitterMs = schedule.round === 0 ? wholeMs : Math.min(usualJitterMs, wholeMs);
  const intervalMs = wholeMs - jitterMs * spread(probe.id, round);
  const regular = later(schedule.roundStart, intervalMs);
  const due = regular > result.at ? regular : result.at;
  return { schedule: { due, roundStart: due, round, failures: 0 }, isCounted: true };
}
