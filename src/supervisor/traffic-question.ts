import type { Clock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import type { ProxiedTraffic } from "../ipc/status.ts";
import { trafficOfAll } from "./proxied-sums.ts";

/** How long a process that is asked may take; after that the others have to do. */
const patienceMs = 1_000;

interface Round<Asked> {
  readonly waitsFor: Set<Asked>;
  readonly reports: Readonly<Record<string, ProxiedTraffic>>[];
  readonly finish: () => void;
}

/** Asks every proxy process what has passed to its servers, when someone wants to know. */
export class TrafficQuestion<Asked> {
  readonly #clock: Clock;
  readonly #ask: (process: Asked, id: number) => void;
  readonly #rounds = new Map<number, Round<Asked>>();
  #count = 0;

  constructor(clock: Clock, ask: (process: Asked, id: number) => void) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** Gives what they say altogether, by server. */
  async answers(processes: readonly Asked[]): Promise<ReadonlyMap<string, ProxiedTraffic>> {
    if (processes.length === 0) return new Map();
    this.#count += 1;
    const id = this.#count;
    const reports: Readonly<Record<string, ProxiedTraffic>>[] = [];
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.schedule(later(this.#clock.now(), patienceMs), resolve);
      const finish = (): void => {
        cancel();
        resolve();
      };
      this.#rounds.set(id, { waitsFor: new Set(processes), reports, finish });
      for (const process of processes) this.#ask(process, id);
    });
    this.#rounds.delete(id);
    return trafficOfAll(reports);
  }

  /** Takes an answer. */
  heard(process: Asked, id: number, report: Readonly<Record<string, ProxiedTraffic>>): void {
    const round = this.#rounds.get(id);
    if (round?.waitsFor.delete(process) !== true) return;
    round.reports.push(report);
    if (round.waitsFor.size === 0) round.finish();
  }

  /** Waits no longer for a process that is gone. */
  forget(process: Asked): void {
    for (const { waitsFor, finish } of this.#rounds.values()) {
      if (waitsFor.delete(process) && waitsFor.size === 0) finish();
    }
  }
}
