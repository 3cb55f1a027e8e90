import type { Clock } from "../base/clock.ts";
import { Heap } from "../base/heap.ts";
import { instant, type Instant } from "../base/instant.ts";

/** Actions are put off to the next multiple of this many milliseconds, so that those of many probes run together. */
export const groupMs = 5;

/**
 * A clock for thousands of timers: one timer of the clock below for all that falls due within five milliseconds. What is
 * started together also ends together, which halves what a check costs (docs/decisions/checks-on-raw-sockets.md).
 */
export function groupedClock(clock: Clock): Clock {
  const groups = new Map<number, Set<() => void>>();
  const dues = new Heap<number>((a, b) => a < b);
  let cancelTimer: (() => void) | null = null;
  let armedFor = Number.POSITIVE_INFINITY;

  const arm = (): void => {
    const { first } = dues;
    if (first === undefined || first >= armedFor) return;
    cancelTimer?.();
    armedFor = first;
    cancelTimer = clock.schedule(instant(first), run);
  };
  const run = (): void => {
    armedFor = Number.POSITIVE_INFINITY;
    cancelTimer = null;
    const now = clock.now();
    for (let due = dues.first; due !== undefined && due <= now; due = dues.first) {
      dues.take();
      const group = groups.get(due);
      groups.delete(due);
      // One that an earlier one of the group has cancelled is no longer in it.
      for (const action of group ?? []) action();
    }
    arm();
  };
  return {
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    schedule(at: Instant, action: () => void) {
      const due = Math.ceil(at / groupMs) * groupMs;
      let group = groups.get(due);
      if (group === undefined) {
        group = new Set();
        groups.set(due, group);
        dues.add(due);
      }
      // A function of its own: the same action may be scheduled twice.
      const own = (): void => action();
      group.add(own);
      arm();
      const joined = group;
      return () => void joined.delete(own);
    },
  };
}
