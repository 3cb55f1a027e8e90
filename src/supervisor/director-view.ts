import type { Clock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import { noFootingStatus, type FootingStatus } from "../ipc/footing-status.ts";
import type { NameStatus, ProbeStatus, ProxiedStatus, ServiceStatus } from "../ipc/status.ts";

/** What `director` has last said of itself when asked. */
export interface DirectorReport {
  readonly probes: readonly ProbeStatus[];
  readonly services: readonly ServiceStatus[];
  readonly footing: FootingStatus;
  readonly proxied: readonly ProxiedStatus[];
  readonly names: readonly NameStatus[];
}

/** How long one that is asked may take; after that what it said before has to do. */
const patienceMs = 2_000;

/** Asks `director` how it stands when someone wants to know, all who ask meanwhile with one question. */
export class DirectorView {
  readonly #clock: Clock;
  readonly #ask: () => void;
  #last: DirectorReport = { probes: [], services: [], proxied: [], names: [], footing: noFootingStatus };
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock, ask: () => void) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** Gives how it stands now, or as it last did if it does not answer, or is not there to be asked. */
  async report(isThere: boolean): Promise<DirectorReport> {
    if (!isThere) return this.#last;
    await new Promise<void>((resolve) => {
      const isFirst = this.#waiting.size === 0;
      const cancel = this.#clock.schedule(later(this.#clock.now(), patienceMs), () => {
        // Whoever asks after this asks anew: the question may have been lost.
        this.#waiting.delete(answered);
        resolve();
      });
      const answered = (): void => {
        cancel();
        resolve();
      };
      this.#waiting.add(answered);
      if (isFirst) this.#ask();
    });
    return this.#last;
  }

  /** Takes the answer. */
  heard(report: DirectorReport): void {
    this.#last = report;
    this.release();
  }

  /** Lets nobody wait for one that is gone. */
  release(): void {
    for (const answered of this.#waiting) answered();
    this.#waiting.clear();
  }
}
