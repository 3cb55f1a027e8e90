/** The protocol's intervals, in milliseconds with a fraction: PURE. */

/** What the timers depend on. */
export interface TimerRules {
  readonly version: 2 | 3;
  /** This router's own priority, 1–255. */
  readonly priority: number;
  /** The active router's interval: learned in version 3, this router's own in version 2. */
  readonly intervalMs: number;
}

/** Gives Skew_Time: the higher the priority, the sooner a backup claims (RFC 9568 §6.1, RFC 3768 §6.1). */
export function skewMs({ version, priority, intervalMs }: TimerRules): number {
  // Version 2 takes the fraction of a second, version 3 the fraction of the active router's interval.
  const unitMs = version === 2 ? 1000 : intervalMs;
  return ((256 - priority) * unitMs) / 256;
}

/** Gives Active_Down_Interval (RFC 9568 §6.1), which RFC 3768 §6.1 calls Master_Down_Interval; `downAfter` is 3 in both. */
export function activeDownMs(rules: TimerRules & { readonly downAfter: number }): number {
  return rules.downAfter * rules.intervalMs + skewMs(rules);
}

/** No backup is waited for longer than this: a service manager, and the supervisor, wait for the end of a stop. */
const longestLeaveMs = 3000;

/**
 * Gives how long a router that has resigned goes on answering if nobody takes over: until the last of all possible
 * backups would have, which is the one of priority 1, and an interval more for a busy host.
 */
export function leaveMs({ version, intervalMs }: Omit<TimerRules, "priority">): number {
  return Math.min(handoverMs({ version, intervalMs }), longestLeaveMs);
}

/** As `leaveMs`, for a router that nobody waits for: backups of low priority and at long intervals get their time. */
export function handoverMs({ version, intervalMs }: Omit<TimerRules, "priority">): number {
  return skewMs({ version, priority: 1, intervalMs }) + intervalMs;
}

/**
 * Gives how long a router may take from its first advertisement until so many addresses are there and the neighbours know,
 * 100 ms at most. 1 to 4 ms were measured with one address, the longer in a process that does it for the first time, and
 * 12 ms with 255.
 */
export function takeoverMs(addresses: number): number {
  return Math.min(100, 5 + addresses / 10);
}

/** Writes a duration for people: `302 ms`, `3.02 s`. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(2))} s`;
}
