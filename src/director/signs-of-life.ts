import type { Clock } from "../base/clock.ts";
import { later, type Instant } from "../base/instant.ts";

/** More of them than this tell nobody more. */
const leastBetweenMs = 500;

/**
 * Tells the supervisor that this process goes on: each second, and between the pieces of work that takes longer, as reading
 * 37,000 servers does on a slow machine. What hangs in one piece, or in a circle, says nothing, and is found by that.
 */
export class SignsOfLife {
  readonly #clock: Pick<Clock, "now">;
  readonly #send: () => void;
  #next: Instant;

  constructor(clock: Pick<Clock, "now">, send: () => void) {
    this.#clock = clock;
    this.#send = send;
    this.#next = clock.now();
  }

  /** Notes that some work is done; sends a sign unless the last one is fresh. */
  show(): void {
    const now = this.#clock.now();
    if (now < this.#next) return;
    this.#next = later(now, leastBetweenMs);
    this.#send();
  }
}
