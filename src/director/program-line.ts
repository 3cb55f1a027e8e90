import type { Log } from "../base/log.ts";
import { knownUser } from "../base/known-users.ts";
import { runProgram } from "../base/program.ts";
import type { NotifyScriptPlan } from "../config/node-plan.ts";

/** A run of a program that somebody named in the configuration. */
export interface ProgramRun {
  /** What it is about, such as one service: the last word on that is never left out. */
  readonly subject: string;
  /** What it is called in the log. */
  readonly what: string;
  readonly program: NotifyScriptPlan;
  /** Arguments after its own. */
  readonly words?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** A place in the line, which a later run about the same may take. */
interface Place {
  run: ProgramRun;
}

/**
 * Programs that are run in order, one at a time; a failure is a line in the log. Where more wait than is good, one that has
 * not begun gives its place to the next about the same: what is told in the end is how things stand, however slow a program is.
 */
export class ProgramLine {
  readonly #log: Log;
  /** One that hangs must not fill the memory: beyond this there is one place for each subject. */
  readonly #mostWaiting: number;
  readonly #runProgram: typeof runProgram;
  readonly #stopped = new AbortController();
  readonly #waiting: Place[] = [];
  /** The last place of each subject that waits. */
  readonly #last = new Map<string, Place>();
  #isBehind = false;
  #tail: Promise<void> = Promise.resolve();

  constructor(log: Log, mostWaiting: number, run: typeof runProgram = runProgram) {
    this.#log = log;
    this.#mostWaiting = mostWaiting;
    this.#runProgram = run;
  }

  /** Settled when everything that was asked for so far has been run. */
  get tail(): Promise<void> {
    return this.#tail;
  }

  run(run: ProgramRun): void {
    const before = this.#last.get(run.subject);
    if (this.#waiting.length >= this.#mostWaiting && before !== undefined) {
      this.#tellBehind(before.run);
      before.run = run;
      return;
    }
    const place: Place = { run };
    this.#waiting.push(place);
    this.#last.set(run.subject, place);
    this.#tail = this.#tail.then(() => this.#next());
  }

  /** Ends what runs, and runs nothing more. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Said once until it has caught up. */
  #tellBehind({ what }: ProgramRun): void {
    if (this.#isBehind) return;
    this.#isBehind = true;
    const waiting = this.#waiting.length;
    this.#log.warning(
      `${what}: left out, as ${waiting} runs wait already; of what changes meanwhile only the last word is told`,
    );
  }

  async #next(): Promise<void> {
    const place = this.#waiting.shift();
    if (place === undefined) return;
    const { run } = place;
    if (this.#last.get(run.subject) === place) this.#last.delete(run.subject);
    if (this.#waiting.length === 0) this.#isBehind = false;
    await this.#start(run);
  }

  async #start({ what, program, words = [], environment }: ProgramRun): Promise<void> {
    const { signal } = this.#stopped;
    if (signal.aborted) return;
    try {
      const { command, timeoutMs, user } = program;
      const whole = [...command, ...words];
      const ids = knownUser(user);
      const { text, exitStatus } = await this.#runProgram({
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
