import type { StoredResponse } from "./stored-response.ts";

/** What waits for somebody else's answer. */
export interface Waiter {
  /** The answer is there, or will not come: look again. One that stays in a file is handed over; who keeps it holds that. */
  wake(found: StoredResponse | null): void;
}

/** How one ended: it was stored, it cannot be, or it broke off. */
export type FlightEnd = "stored" | "of no use" | "failed";

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
