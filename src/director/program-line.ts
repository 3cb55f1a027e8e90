import type { Log } from "../base/log.ts";
import { resolveUser, runProgram } from "../base/program.ts";
import type { NotifyScriptPlan } from "../config/node-plan.ts";

/** A run of a program that somebody named in the configuration. */
export interface ProgramRun {
  /** What it is called in the log. */
  readonly what: string;
  readonly program: NotifyScriptPlan;
  /** Arguments after its own. */
  readonly words?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Programs that are run in order, one at a time; a failure is a line in the log. */
export class ProgramLine {
  readonly #log: Log;
  /** One that hangs must not fill the memory. */
  readonly #mostWaiting: number;
  readonly #stopped = new AbortController();
  #waiting = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(log: Log, mostWaiting: number) {
    this.#log = log;
    this.#mostWaiting = mostWaiting;
  }

  /** Settled when everything that was asked for so far has been run. */
  get tail(): Promise<void> {
    return this.#tail;
  }

  run(run: ProgramRun): void {
    if (this.#waiting >= this.#mostWaiting) {
      this.#log.warning(`${run.what} is not run: ${this.#waiting} are waiting`);
      return;
    }
    this.#waiting += 1;
    this.#tail = this.#tail.then(async () => {
      await this.#start(run);
      this.#waiting -= 1;
    });
  }

  /** Ends what runs, and runs nothing more. */
  stop(): void {
    this.#stopped.abort();
  }

  async #start({ what, program, words = [], environment }: ProgramRun): Promise<void> {
    const { signal } = this.#stopped;
    if (signal.aborted) return;
    try {
      const { command, timeoutMs, user } = program;
      const whole = [...command, ...words];
      const ids = resolveUser(user);
      const { text, exitStatus } = await runProgram({
        command: whole,
        timeoutMs,
        user: ids,
        environment,
        signal,
      });
      if (exitStatus !== 0 && !signal.aborted) this.#log.warning(`${what}: ${text}`);
    } catch (error) {
      this.#log.warning(`${what}: ${String(error)}`);
    }
  }
}
