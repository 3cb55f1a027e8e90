import type { Clock } from "../../src/base/clock.ts";
import { instant, later, type Instant } from "../../src/base/instant.ts";

interface Timer {
  readonly at: Instant;
  readonly action: () => void;
}

/** A clock that stands still until a test turns it. */
export class FakeClock implements Clock {
  #now: Instant = instant(1_000);
  readonly #timers = new Set<Timer>();

  now(): Instant {
    return this.#now;
  }

  wallTime(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.#now);
  }

  schedule(at: Instant, action: () => void): () => void {
    const timer = { at, action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Turns the clock by `ms` without running anything, as for a process that is stopped. */
  freeze(ms: number): void {
    this.#now = later(this.#now, ms);
  }

  /** Turns the clock by `ms`, running what falls due in order, each at its own time. */
  advance(ms: number): void {
    const end = later(this.#now, ms);
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      if (due.at > this.#now) this.#now = due.at;
      due.action();
    }
    this.#now = end;
  }
}
