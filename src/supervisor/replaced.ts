import type { Log } from "../base/log.ts";

/** What there is to do with a process that was replaced. */
interface Leaver {
  /** Asks it to finish what is open within `deadlineMs`; again to have it done sooner. Resolves when it is gone. */
  leave(deadlineMs: number): Promise<void>;
}

/** Each has a process for each core, and each of these some 100 MB. */
const mostGenerations = 4;

/** Sets of processes that were replaced, and still have connections to finish. */
export class Replaced<Process extends Leaver> {
  readonly #log: Log;
  #generations: Set<Process>[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /** All of them that are not gone. */
  get all(): readonly Process[] {
    return this.#generations.flatMap((generation) => [...generation]);
  }

  /** Has a set finish what is open within `deadlineMs`; if they have become too many, the oldest is cut off. */
  add(processes: readonly Process[], deadlineMs: number): void {
    const generation = new Set(processes);
    if (generation.size === 0) return;
    this.#generations.push(generation);
    for (const process of processes) {
      void process.leave(deadlineMs).then(() => {
        generation.delete(process);
        this.#generations = this.#generations.filter(({ size }) => size > 0);
      });
    }
    if (this.#generations.length <= mostGenerations) return;
    this.#log.warning(
      `the oldest proxies of ${this.#generations.length} generations that were replaced are cut off: connections to them outlived ${mostGenerations} changes of listening sockets`,
    );
    for (const process of this.#generations[0] ?? []) void process.leave(0);
  }

  /** Has all of them finish within `deadlineMs`; resolves when they are gone. */
  async stop(deadlineMs: number): Promise<void> {
    await Promise.all(this.all.map((process) => process.leave(deadlineMs)));
  }
}
