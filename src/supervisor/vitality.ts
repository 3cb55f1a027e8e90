import { later, type Instant } from "../base/instant.ts";

/**
 * PURE: whether the node's proxies count as alive. One crash is forgiven for as long as a restart takes; a proxy
 * that has come back must live for a while before the node claims addresses for it again, so that a crash loop
 * does not make an address flap.
 */
export interface Vitality {
  /** The verdict the election is told. */
  readonly isAlive: boolean;
  /** Whether at least one proxy serves right now, and since when that has been so or not so. */
  readonly serves: boolean;
  readonly since: Instant;
}

/** How long no proxy may serve before the node counts as dead. */
export const deadAfterMs = 1_000;
/** How long a proxy must have served before a dead node counts as alive. */
export const aliveAfterMs = 3_000;

/** The state before the first proxy has been started: alive, so that the start itself is no failure. */
export function newVitality(now: Instant): Vitality {
  return { isAlive: true, serves: false, since: now };
}

/** Takes in whether a proxy serves at `now`, and gives the verdict for this moment. */
export function observe(vitality: Vitality, serves: boolean, now: Instant): Vitality {
  const since = serves === vitality.serves ? vitality.since : now;
  const patienceMs = serves ? aliveAfterMs : deadAfterMs;
  const isSettled = now >= later(since, patienceMs);
  return { isAlive: isSettled ? serves : vitality.isAlive, serves, since };
}

/** Says when to look again if nothing happens, or null if nothing would change. */
export function nextLook(vitality: Vitality): Instant | null {
  if (vitality.isAlive === vitality.serves) return null;
  return later(vitality.since, vitality.serves ? aliveAfterMs : deadAfterMs);
}
