import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { instant, later, type Instant } from "../../../src/base/instant.ts";
import type { ProbeTiming } from "../../../src/config/check-plan.ts";
import {
  attemptEnded,
  attemptStarted,
  firstSchedule,
  firstSpreadMs,
  jitterShare,
  type Schedule,
} from "../../../src/health/schedule.ts";
import { usualTiming } from "../../support/probe-plans.ts";

const start = instant(5_000);

function probe(change: Partial<ProbeTiming> = {}): ProbeTiming {
  return { ...usualTiming, intervalMs: 3_000, retries: 0, retryDelayMs: 500, ...change };
}

/** The schedule of a probe whose second round is due, which is as all that follow. */
function usualSchedule(timing: ProbeTiming): Schedule {
  return { ...firstSchedule(timing, start), round: 1 };
}

function fail(timing: ProbeTiming, schedule: Schedule, at: Instant): ReturnType<typeof attemptEnded> {
  return attemptEnded(timing, schedule, { isOk: false, at, mayRetry: true, isSettled: false });
}

describe("firstSchedule", () => {
  test("spreads first attempts over a fifth of a second, the same way every time", () => {
    const dues = Array.from(
      { length: 200 },
      (_, index) => firstSchedule(probe({ id: `p${index}` }), start).due - start,
    );
    expect(Math.min(...dues)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...dues)).toBeLessThan(firstSpreadMs);
    expect(Math.max(...dues) - Math.min(...dues)).toBeGreaterThan(firstSpreadMs * 0.9);
    expect(new Set(dues).size).toBe(200);
    expect(firstSchedule(probe(), start)).toEqual(firstSchedule(probe(), start));
  });

  test("spreads within the interval when that is shorter", () => {
    const dues = Array.from(
      { length: 50 },
      (_, i) => firstSchedule(probe({ id: `p${i}`, intervalMs: 20 }), start).due,
    );
    expect(Math.max(...dues)).toBeLessThan(start + 20);
  });
});

describe("attemptEnded", () => {
  test("counts a failure at once when there are no retries", () => {
    const first = firstSchedule(probe(), start);
    expect(fail(probe(), first, later(first.due, 10)).isCounted).toBe(true);
  });

  test("retries after the retry delay and counts when no retry is left", () => {
    const timing = probe({ retries: 2 });
    let at = firstSchedule(timing, start).due;
    let schedule = firstSchedule(timing, start);
    for (const expected of [false, false]) {
      schedule = attemptStarted(schedule, at);
      const ended = fail(timing, schedule, later(at, 100));
      expect(ended.isCounted).toBe(expected);
      expect(ended.schedule.due).toBe(later(at, 600));
      ({ schedule } = ended);
      at = schedule.due;
    }
    const last = fail(timing, attemptStarted(schedule, at), later(at, 100));
    expect(last.isCounted).toBe(true);
    expect(last.schedule.failures).toBe(0);
  });

  test("ends the round when a retry succeeds", () => {
    const timing = probe({ retries: 3 });
    const first = firstSchedule(timing, start);
    const failed = fail(timing, first, later(first.due, 5));
    const at = failed.schedule.due;
    const ended = attemptEnded(timing, failed.schedule, { isOk: true, at, mayRetry: true, isSettled: true });
    expect(ended.isCounted).toBe(true);
    expect(ended.schedule.round).toBe(1);
  });

  test("does not retry when it may not", () => {
    const timing = probe({ retries: 3 });
    const first = firstSchedule(timing, start);
    expect(
      attemptEnded(timing, first, { isOk: false, at: first.due, mayRetry: false, isSettled: false })
        .isCounted,
    ).toBe(true);
  });

  test("measures the interval from the beginning of the round, retries included", () => {
    const timing = probe({ retries: 1 });
    const began = instant(10_000);
    const failed = fail(timing, attemptStarted(usualSchedule(timing), began), later(began, 100));
    const ended = attemptEnded(timing, attemptStarted(failed.schedule, later(began, 600)), {
      isOk: true,
      at: later(began, 650),
      mayRetry: true,
      isSettled: true,
    });
    expect(ended.schedule.due).toBeLessThanOrEqual(began + 3_000);
    expect(ended.schedule.due).toBeGreaterThanOrEqual(began + 3_000 * (1 - jitterShare));
  });

  test("never waits longer than the interval and never overlaps an attempt", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 10, max: 60_000 }),
        fc.integer({ min: 0, max: 90_000 }),
        (id, intervalMs, tookMs) => {
          const timing = probe({ id, intervalMs });
          const began = attemptStarted(usualSchedule(timing), instant(20_000));
          const at = later(instant(20_000), tookMs);
          const { due } = attemptEnded(timing, began, {
            isOk: true,
            at,
            mayRetry: true,
            isSettled: true,
          }).schedule;
          expect(due).toBeGreaterThanOrEqual(at);
          expect(due).toBeLessThanOrEqual(Math.max(at, 20_000 + intervalMs));
        },
      ),
    );
  });

  test("waits for the fast interval while the server is not known to be well", () => {
    const timing = probe({ fastIntervalMs: 500, jitterMs: 0 });
    const began = attemptStarted(usualSchedule(timing), instant(10_000));
    const ended = (isSettled: boolean): number =>
      attemptEnded(timing, began, { isOk: true, at: instant(10_010), mayRetry: true, isSettled }).schedule
        .due;
    expect(ended(false)).toBe(10_500);
    expect(ended(true)).toBe(13_000);
  });

  test("shortens the interval by the jitter at most", () => {
    const dues = Array.from({ length: 100 }, (_, index) => {
      const timing = probe({ id: `p${index}`, jitterMs: 1_000 });
      const began = attemptStarted(usualSchedule(timing), instant(10_000));
      const at = instant(10_010);
      return attemptEnded(timing, began, { isOk: true, at, mayRetry: true, isSettled: true }).schedule.due;
    });
    expect(Math.max(...dues)).toBeLessThanOrEqual(13_000);
    expect(Math.min(...dues)).toBeGreaterThan(12_000);
    expect(Math.max(...dues) - Math.min(...dues)).toBeGreaterThan(800);
  });

  test("spreads the second attempts over the whole interval, as the first ones came in a burst", () => {
    const dues = Array.from({ length: 200 }, (_, index) => {
      const timing = probe({ id: `p${index}`, jitterMs: 0 });
      const began = attemptStarted(firstSchedule(timing, start), instant(10_000));
      const result = { isOk: true, at: instant(10_000), mayRetry: true, isSettled: true };
      return attemptEnded(timing, began, result).schedule.due;
    });
    for (const quarter of [0, 1, 2, 3]) {
      const within = dues.filter((due) => Math.floor((due - 10_000) / 750) === quarter);
      expect(within.length).toBeGreaterThan(25);
    }
  });
});
