import type { Clock } from "../../src/base/clock.ts";
import { Heap } from "../../src/base/heap.ts";
import { instant, later, type Instant } from "../../src/base/instant.ts";

interface Timer {
  readonly at: Instant;
  readonly order: number;
  readonly action: () => void;
  isCancelled: boolean;
}

/** A clock that stands still until a test turns it. */
export class FakeClock implements Clock {
  #now: Instant = instant(1_000);
  #count = 0;
  readonly #timers = new Heap<Timer>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));

  now(): Instant {
    return this.#now;
  }

  wallTime(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.#now);
  }

  schedule(at: Instant, action: () => void): () => void {
    const timer: Timer = { at, order: this.#count++, action, isCancelled: false };
    this.#timers.add(timer);
    return () => {
      timer.isCancelled = true;
    };
  }

  /** Turns the clock by `ms` without running anything, as for a process that is stopped. */
  freeze(ms: number): void {
    this.#now = later(this.#now, ms);
  }

  /** Turns the clock by `ms`, running what falls due in order, each at its own time. */
  advance(ms: number): void {
    const end = later(this.#now, ms);
    while (this.#timers.first !== undefined && this.#timers.first.at <= end) {
      const due = this.#timers.take();
      if (due === undefined || due.isCancelled) continue;
      if (due.at > this.#now) this.#now = due.at;
      due.action();
    }
    this.#now = end;
  }
}
