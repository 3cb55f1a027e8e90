import { Heap } from "../base/heap.ts";
import type { Instant } from "../base/instant.ts";
import type { Host } from "./host.ts";

interface Deadline {
  readonly at: Instant;
  /** Of two at the same time the one that was set first comes first. */
  readonly order: number;
  readonly action: () => void;
}

/** Replaced and forgotten deadlines stay in the queue until their time; this many may, beyond as many as there are. */
const mostStale = 64;

/** Many named deadlines on the host's one alarm; setting one costs logarithmic time. */
export class Deadlines {
  readonly #host: Pick<Host, "clock" | "alarm">;
  readonly #pending = new Map<string, Deadline>();
  readonly #queue = new Heap<readonly [name: string, deadline: Deadline]>(([, a], [, b]) => {
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  });
  #count = 0;
  #armedFor: Instant | null = null;

  constructor(host: Pick<Host, "clock" | "alarm">) {
    this.#host = host;
  }

  /** Calls `action` once at or after `at`, instead of what was set under this name. */
  set(name: string, at: Instant, action: () => void): void {
    const deadline = { at, order: this.#count++, action };
    this.#pending.set(name, deadline);
    this.#queue.add([name, deadline]);
    if (this.#queue.size > 2 * this.#pending.size + mostStale)
      this.#queue.retain((each) => this.#isCurrent(each));
    // An alarm that is too early costs one look; one that follows every advertisement heard costs a call each.
    if (this.#armedFor === null || at < this.#armedFor) this.#armFor(at);
  }

  /** Forgets a deadline. */
  clear(name: string): void {
    if (!this.#pending.delete(name) || this.#pending.size > 0) return;
    this.#armedFor = null;
    this.#host.alarm.clear();
  }

  #armFor(at: Instant): void {
    this.#armedFor = at;
    this.#host.alarm.set(at, () => this.#fire());
  }

  #fire(): void {
    this.#armedFor = null;
    const now = this.#host.clock.now();
    const due: (readonly [string, Deadline])[] = [];
    for (let next = this.#next(); next !== undefined && next[1].at <= now; next = this.#next()) {
      this.#queue.take();
      due.push(next);
    }
    for (const [name, deadline] of due) {
      // An earlier one may have replaced or cleared it.
      if (this.#pending.get(name) !== deadline) continue;
      this.#pending.delete(name);
      deadline.action();
    }
    const next = this.#next();
    if (next !== undefined && (this.#armedFor === null || next[1].at < this.#armedFor))
      this.#armFor(next[1].at);
  }

  /** Gives the first deadline that is still current. */
  #next(): readonly [string, Deadline] | undefined {
    while (this.#queue.first !== undefined && !this.#isCurrent(this.#queue.first)) this.#queue.take();
    return this.#queue.first;
  }

  #isCurrent([name, deadline]: readonly [string, Deadline]): boolean {
    return this.#pending.get(name) === deadline;
  }
}
