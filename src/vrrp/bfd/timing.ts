import type { Remote, Session } from "./session-types.ts";

/** What two ends of a session have agreed on: PURE. */

/** RFC 5880 §6.8.3: whoever is not up sends no more than one packet a second. */
export const slowestUs = 1_000_000;

/**
 * Gives the interval between two of our packets before jitter (RFC 5880 §6.8.2, §6.8.7), in milliseconds; null while
 * the other side wants no periodic packets.
 */
export function transmitMs(
  session: Pick<Session, "remote" | "usedMinTxUs" | "state" | "poll">,
): number | null {
  const { remote, usedMinTxUs, state, poll } = session;
  if (remote === null) return usedMinTxUs / 1000;
  if (remote.requiredMinRxUs === 0) return null;
  // RFC 5880 §6.6: a peer in demand mode wants none while both are up, unless something is being settled.
  if (remote.isDemand && remote.state === "up" && state === "up" && poll === "none") return null;
  return Math.max(usedMinTxUs, remote.requiredMinRxUs) / 1000;
}

/** Gives the interval at which the other side's packets are expected, in milliseconds. */
export function receiveMs(remote: Remote, usedMinRxUs: number): number {
  return Math.max(usedMinRxUs, remote.desiredMinTxUs) / 1000;
}

/** Gives how long the other side may be silent (RFC 5880 §6.8.4), in milliseconds. */
export function detectionMs(remote: Remote, usedMinRxUs: number): number {
  return remote.detectMultiplier * receiveMs(remote, usedMinRxUs);
}

/**
 * Takes 0 to 25 % off an interval, or 10 to 25 % with a multiplier of 1, where the peer waits for no second packet
 * (RFC 5880 §6.8.7). `chance` is a random number in [0, 1).
 */
export function jittered(intervalMs: number, detectMultiplier: number, chance: number): number {
  const least = detectMultiplier === 1 ? 0.1 : 0;
  return intervalMs * (1 - least - (0.25 - least) * chance);
}
