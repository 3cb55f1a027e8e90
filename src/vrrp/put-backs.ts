import type { Clock } from "../base/clock.ts";
import { later, type Instant } from "../base/instant.ts";
import type { Log } from "../base/log.ts";

/** So many times a thing is put back at once; after that somebody insists, and is met with growing pauses. */
const eagerCount = 5;
const firstPauseMs = 1000;
const longestPauseMs = 30_000;
/** What stayed for so long after it was put back begins anew. */
const forgivenMs = 60_000;

/** How often one thing had to be put back. */
export interface PutBackRecord {
  readonly count: number;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  /** Not before this is it put back again. */
  readonly notBefore: Instant;
}

/** PURE: gives the record after a thing was put back once more. */
export function countPutBack(before: PutBackRecord | null, at: Instant): PutBackRecord {
  const isNew = before === null || at - before.notBefore > forgivenMs;
  const count = isNew ? 1 : before.count + 1;
  const firstAt = isNew ? at : before.firstAt;
  const excess = count - eagerCount;
  const pauseMs = excess < 0 ? 0 : Math.min(firstPauseMs * 2 ** excess, longestPauseMs);
  return { count, firstAt, lastAt: at, notBefore: later(at, pauseMs) };
}

/** Counts what has to be put back, so that a program that removes it again and again is not fought in a hot loop. */
export class PutBacks {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #records = new Map<string, PutBackRecord>();

  constructor(needs: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = needs.clock;
    this.#log = needs.log;
  }

  /** Tells from when on a thing may be put back; null is any time. */
  notBefore(key: string): Instant | null {
    return this.#records.get(key)?.notBefore ?? null;
  }

  /** Divides things by whether they may be put back now, and tells when the next of the others may. */
  divide<T>(
    things: readonly T[],
    keyOf: (thing: T) => string,
  ): { readonly due: T[]; readonly next: Instant | null } {
    const now = this.#clock.now();
    const due: T[] = [];
    let next: Instant | null = null;
    for (const thing of things) {
      const at = this.notBefore(keyOf(thing));
      if (at === null || at <= now) due.push(thing);
      else if (next === null || at < next) next = at;
    }
    return { due, next };
  }

  /** Takes note that a thing was put back, and says so. */
  count(key: string, text: string): void {
    const at = this.#clock.now();
    const record = countPutBack(this.#records.get(key) ?? null, at);
    this.#records.set(key, record);
    this.#forget(at);
    const seconds = Math.round((record.notBefore - at) / 1000);
    if (record.count < eagerCount) {
      this.#log.warning(`${text} was removed by someone else: put back`);
    } else {
      const since = Math.ceil((at - record.firstAt) / 1000);
      const often = `${text} was removed by someone else ${record.count} times in ${since} s: put back, the next time not before ${seconds} s from now`;
      this.#log.warning(
        `${often}; find the program that removes it (networkd, NetworkManager, another keepalived?)`,
      );
    }
  }

  #forget(at: Instant): void {
    for (const [key, { notBefore }] of this.#records) {
      if (at - notBefore > forgivenMs) this.#records.delete(key);
    }
  }
}
