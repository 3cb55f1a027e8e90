import { later, type Instant } from "../base/instant.ts";

/** PURE: when a child that died is started again. */
export interface RestartState {
  /** Deaths in a row without a life of `steadyAfterMs` in between. */
  readonly deaths: number;
  /** When the present or last life began. */
  readonly startedAt: Instant;
}

/** A life this long wipes out the memory of earlier deaths. */
export const steadyAfterMs = 10_000;

const firstDelayMs = 100;
const longestDelayMs = 10_000;

/** The state of a child that is started for the first time. */
export function firstStart(now: Instant): RestartState {
  return { deaths: 0, startedAt: now };
}

/**
 * Says when to start a child again that died at `now`: at once the first time (an address must not move for one
 * crash), then after 100 ms, doubling up to 10 s.
 */
export function nextStart(
  state: RestartState,
  now: Instant,
): { readonly at: Instant; readonly deaths: number } {
  const deaths = now - state.startedAt >= steadyAfterMs ? 1 : state.deaths + 1;
  const delayMs = deaths === 1 ? 0 : Math.min(longestDelayMs, firstDelayMs * 2 ** (deaths - 2));
  return { at: later(now, delayMs), deaths };
}
