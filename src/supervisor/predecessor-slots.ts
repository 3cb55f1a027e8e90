import type { Clock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import type { Seats } from "./seats.ts";
import type { SlotsBefore } from "./slot-ledger.ts";
import type { Succession } from "./succession.ts";

/** Processes that are told to finish give back by then what they do not use: their idle clients have been sent away. */
const yieldMs = 1_500;
const lookEveryMs = 20;

/**
 * The slots of the processes whose program this one has taken the place of. Nobody can ask them for any: they write down what they
 * have, and give all of it back in time that no request of theirs needs.
 */
export class PredecessorSlots implements SlotsBefore {
  readonly #seats: Seats;
  readonly #clock: Clock;
  readonly #pids: Set<number>;
  areYielding: boolean;

  constructor(seats: Seats, clock: Clock, left: Pick<Succession, "proxies" | "leaving"> | null) {
    this.#seats = seats;
    this.#clock = clock;
    this.#pids = new Set(left === null ? [] : [...left.proxies, ...left.leaving]);
    this.areYielding = left !== null;
  }

  held(name: string): number {
    return this.#pids.size === 0
      ? 0
      : this.#seats.countOf([...this.#pids], this.#seats.key(name, "configured"));
  }

  /** Forgets a process that is gone: its number may be that of another one from now on. */
  gone(pid: number): void {
    this.#pids.delete(pid);
  }

  /** They have been told to finish; `look` is called while they come to it. */
  released(look: () => void): void {
    if (!this.areYielding) return;
    const until = later(this.#clock.now(), yieldMs);
    const again = (): void => {
      this.areYielding = this.#clock.now() < until;
      look();
      if (this.areYielding) this.#clock.schedule(later(this.#clock.now(), lookEveryMs), again);
    };
    again();
  }
}
