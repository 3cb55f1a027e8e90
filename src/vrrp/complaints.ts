import type { Instant } from "../base/instant.ts";

/** Keeps complaints from filling the log: each is let through once a minute, and 64 different ones at most. */
export class Complaints {
  readonly #last = new Map<string, Instant>();

  /** Tells whether to write the complaint now. */
  isDue(complaint: string, at: Instant): boolean {
    const last = this.#last.get(complaint);
    if (last !== undefined && at - last < pauseMs) return false;
    if (this.#last.size >= mostKinds) this.#forgetOld(at);
    // Garbage of many kinds, or from made-up sources, must fill neither the memory nor the log.
    if (this.#last.size >= mostKinds) return false;
    this.#last.set(complaint, at);
    return true;
  }

  #forgetOld(at: Instant): void {
    for (const [complaint, last] of this.#last) if (at - last >= pauseMs) this.#last.delete(complaint);
  }
}

const pauseMs = 60_000;
const mostKinds = 64;
