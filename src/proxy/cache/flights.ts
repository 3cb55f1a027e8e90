import type { StoredResponse } from "./stored-response.ts";

/** What waits for somebody else's answer. */
export interface Waiter {
  /** The answer is there, and handed over, or will not come: look again. Who keeps one whose body is in a file holds that. */
  wake(found: StoredResponse | null): void;
}

/** How one ended: it was stored, it cannot be, or it broke off. */
export type FlightEnd = "stored" | "of no use" | "failed";

/** Which way an answer may take to those who wait for it. */
export interface Landing {
  /** Whether anybody waits. */
  readonly isAwaited: boolean;
  end(how: FlightEnd, found: StoredResponse | null): void;
}

/** How long requests for what turned out not to be storable are not held back for one another. */
const memoryMs = 10_000;
const mostRemembered = 10_000;

/** Which answers are just being fetched: of concurrent requests for the same one goes to the server, and the others wait. */
export class Flights {
  private readonly waiting = new Map<string, Waiter[]>();
  private readonly notStorable = new Map<string, number>();

  /** Whether somebody is fetching this. */
  has(key: string): boolean {
    return this.waiting.has(key);
  }

  /** Whether requests for this go on side by side: the last answer was of no use to others. */
  isApart(key: string, now: number): boolean {
    const until = this.notStorable.get(key);
    if (until === undefined) return false;
    if (now < until) return true;
    this.notStorable.delete(key);
    return false;
  }

  begin(key: string): void {
    this.waiting.set(key, []);
  }

  join(key: string, waiter: Waiter): void {
    this.waiting.get(key)?.push(waiter);
  }

  leave(key: string, waiter: Waiter): void {
    const list = this.waiting.get(key);
    const at = list?.indexOf(waiter) ?? -1;
    if (at >= 0) list?.splice(at, 1);
  }

  /** Gives the end of one that is left to others. */
  landing(key: string): Landing {
    const isAwaited = (): boolean => (this.waiting.get(key)?.length ?? 0) > 0;
    return {
      get isAwaited() {
        return isAwaited();
      },
      end: (how, found) => this.end(key, how, performance.now(), found),
    };
  }

  /** Lets those who wait look again, and gives them what was found for all. */
  end(key: string, how: FlightEnd, now: number, found: StoredResponse | null = null): void {
    const waiters = this.waiting.get(key) ?? [];
    this.waiting.delete(key);
    if (how === "of no use") {
      if (this.notStorable.size >= mostRemembered) this.notStorable.clear();
      this.notStorable.set(key, now + memoryMs);
    }
    for (const waiter of waiters) waiter.wake(found);
  }
}
