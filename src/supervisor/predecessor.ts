import type { Clock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import { hasCode } from "../base/system-error.ts";
import { hasEnded } from "../kernel/succession.ts";
import type { Succession } from "./succession.ts";

/** What is done to processes. */
export interface ProcessControl {
  readonly kill: (pid: number, signal: NodeJS.Signals) => void;
  /** Tells whether a process is gone, and clears it away. */
  readonly hasEnded: (pid: number) => boolean;
}

const systemProcesses: ProcessControl = {
  kill(pid, signal) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // It has ended meanwhile; its pid is nobody else's before it is cleared away.
      if (!hasCode(error, "ESRCH")) throw error;
    }
  },
  hasEnded,
};

const lookEveryMs = 5;
const lookSeldomMs = 1_000;
const killPatienceMs = 2_000;
const stopPatienceMs = 5_000;

/** What is needed to see to them. */
export interface PredecessorParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Called with each process that is gone. */
  readonly onGone: (pid: number) => void;
  readonly control?: ProcessControl;
}

/** The processes of the program whose place this one has taken: they go on until there are others in their place. */
export class Predecessor {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #control: ProcessControl;
  readonly #onGone: (pid: number) => void;
  readonly #vrrp: number | null;
  readonly #proxies: readonly number[];
  readonly #here: Set<number>;
  #cancelLook: () => void = () => undefined;

  constructor(left: Pick<Succession, "vrrp" | "proxies" | "leaving">, parts: PredecessorParts) {
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#control = parts.control ?? systemProcesses;
    this.#onGone = parts.onGone;
    this.#vrrp = left.vrrp;
    this.#proxies = left.proxies;
    this.#here = new Set([...(left.vrrp === null ? [] : [left.vrrp]), ...left.proxies, ...left.leaving]);
    this.#look();
  }

  /** Those of its processes that are not gone. */
  get left(): readonly number[] {
    return [...this.#here];
  }

  /** Ends its elections without a word, so that others take them over in place. */
  async endElections(): Promise<void> {
    // One that is gone has been cleared away: its number may be that of another process by now.
    if (this.#vrrp === null || !this.#here.has(this.#vrrp)) return;
    this.#control.kill(this.#vrrp, "SIGKILL");
    await this.#gone([this.#vrrp], killPatienceMs);
  }

  /** Has its proxies take no more clients and finish what is open. */
  release(): void {
    for (const pid of this.#proxies) if (this.#here.has(pid)) this.#control.kill(pid, "SIGTERM");
  }

  /** Has its proxies write to new log files. */
  reopenLogs(): void {
    for (const pid of this.#here) if (pid !== this.#vrrp) this.#control.kill(pid, "SIGUSR1");
  }

  /** Ends all that is left: elections resign, and requests have as long as on any stop. */
  async stop(): Promise<void> {
    for (const pid of this.#here) this.#control.kill(pid, "SIGTERM");
    await this.#gone([...this.#here], stopPatienceMs);
    for (const pid of this.#here) this.#control.kill(pid, "SIGKILL");
    this.#cancelLook();
  }

  /** Resolves when these are gone, or after so long. */
  #gone(pids: readonly number[], limitMs: number): Promise<void> {
    const until = later(this.#clock.now(), limitMs);
    return new Promise((resolve) => {
      const look = (): void => {
        this.#clear();
        if (pids.every((pid) => !this.#here.has(pid)) || this.#clock.now() >= until) resolve();
        else this.#clock.schedule(later(this.#clock.now(), lookEveryMs), look);
      };
      look();
    });
  }

  #look(): void {
    this.#clear();
    if (this.#here.size === 0) return;
    this.#cancelLook = this.#clock.schedule(later(this.#clock.now(), lookSeldomMs), () => this.#look());
  }

  #clear(): void {
    if (this.#here.size === 0) return;
    for (const pid of this.#here) {
      if (!this.#control.hasEnded(pid)) continue;
      this.#here.delete(pid);
      this.#onGone(pid);
    }
    if (this.#here.size === 0) this.#log.notice("the last process of the program before this one is gone");
  }
}
