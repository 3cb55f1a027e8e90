import { later, type Instant } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import type { NotifyPlan } from "../config/node-plan.ts";
import type { UserIds } from "../base/program.ts";
import type { Fifo, Host } from "./host.ts";
import { fifoLine, type Notice, scriptArguments, scriptEnvironment } from "./notice.ts";

/** What telling others takes. */
export interface NotifierNeeds {
  readonly host: Pick<Host, "clock" | "runScript" | "resolveUser" | "openFifo">;
  readonly log: Log;
}

/** The notices of one instance or group that wait for their turn. */
interface Line {
  readonly waiting: Notice[];
  /** Settled when everything that was asked for so far has been carried out. */
  tail: Promise<void>;
}

interface Target {
  readonly plan: NotifyPlan;
  readonly user: UserIds | null;
  readonly fifo: Fifo | null;
}

/** Waiting notices of one instance; a script that hangs at every one of an instance that flaps must not fill the memory. */
const mostWaiting = 64;
/** Starting a program takes a millisecond or two of this process: between two starts the elections have their turn. */
const startPauseMs = 5;

/**
 * Tells scripts and a FIFO of changes of state. Each instance and group has a line of its own: in order, one script at
 * a time; a group's waits for those of its members. Nothing here makes an election wait.
 */
export class Notifier {
  readonly #needs: NotifierNeeds;
  readonly #lines = new Map<string, Line>();
  readonly #stopped = new AbortController();
  #target: Target | null = null;
  #nextStart: Instant;
  #dropped = 0;

  constructor(needs: NotifierNeeds) {
    this.#needs = needs;
    this.#nextStart = needs.host.clock.now();
  }

  /** Gets ready for another plan, or throws; the result puts it in force. */
  prepare(plan: NotifyPlan | null): () => void {
    const { host } = this.#needs;
    const before = this.#target;
    const script = plan?.script ?? null;
    const user = script === null ? null : host.resolveUser(script.user);
    const path = plan?.fifo ?? null;
    const isSame = before !== null && before.plan.fifo === path;
    const fifo = isSame ? before.fifo : path === null ? null : host.openFifo(path);
    return () => {
      if (!isSame) before?.fifo?.close();
      this.#target = plan === null ? null : { plan, user, fifo };
    };
  }

  /** Tells of one change; scripts wait for what was asked before for the same name, and for all of `after`. */
  tell(notice: Notice, after: readonly string[] = []): void {
    if (this.#target === null) return;
    this.#write(notice);
    if (this.#target.plan.script === null) return;
    const line = this.#lineOf(`${notice.kind} ${notice.name}`);
    line.waiting.push(notice);
    if (line.waiting.length > mostWaiting) {
      const [dropped] = line.waiting.splice(0, 1);
      if (dropped !== undefined)
        this.#needs.log.warning(`notify script: too far behind, left out: ${words(dropped)}`);
    }
    const members = after.map((name) => this.#lineOf(`INSTANCE ${name}`).tail);
    line.tail = Promise.all([line.tail, ...members]).then(() => this.#runNext(line));
  }

  /** Waits until all scripts have run, at most `limitMs`; what runs or waits then is ended. */
  async finish(limitMs: number): Promise<void> {
    const { clock } = this.#needs.host;
    const all = Promise.all([...this.#lines.values()].map(({ tail }) => tail));
    let cancel: (() => void) | null = null;
    const limit = new Promise<void>((resolve) => {
      cancel = clock.schedule(later(clock.now(), limitMs), () => {
        this.#needs.log.warning("notify script: not finished in time for the stop: killed");
        resolve();
      });
    });
    if (this.#lines.size > 0) await Promise.race([all, limit]);
    (cancel as (() => void) | null)?.();
    this.#stopped.abort();
    this.#target?.fifo?.close();
    this.#target = null;
  }

  async #runNext(line: Line): Promise<void> {
    const notice = line.waiting.shift();
    if (notice === undefined) return;
    await this.#turn();
    const { signal } = this.#stopped;
    const target = this.#target;
    if (target === null || target.plan.script === null || signal.aborted) return;
    const { plan, user } = target;
    const { command, timeoutMs } = target.plan.script;
    const result = await this.#needs.host.runScript({
      command: [...command, ...scriptArguments(notice)],
      timeoutMs,
      user,
      signal,
      environment: scriptEnvironment(notice, plan.node),
    });
    if (!result.hasSucceeded && !signal.aborted) {
      this.#needs.log.warning(`notify script: ${words(notice)}: ${result.text}`);
    }
  }

  /** Resolves when a program may be started, never in the turn of the change itself. */
  #turn(): Promise<void> {
    const { clock } = this.#needs.host;
    const now = clock.now();
    const at = now > this.#nextStart ? now : this.#nextStart;
    this.#nextStart = later(at, startPauseMs);
    return new Promise((resolve) => void clock.schedule(at, resolve));
  }

  #write(notice: Notice): void {
    const fifo = this.#target?.fifo ?? null;
    if (fifo === null) return;
    const problem = fifo.write(fifoLine(notice));
    const { log } = this.#needs;
    if (problem !== null) {
      if (this.#dropped === 0) log.warning(`notify FIFO: ${problem}: lines are dropped until that ends`);
      this.#dropped++;
    } else if (this.#dropped > 0) {
      log.notice(`notify FIFO: lines are read again; ${this.#dropped} were dropped`);
      this.#dropped = 0;
    }
  }

  #lineOf(key: string): Line {
    const known = this.#lines.get(key);
    if (known !== undefined) return known;
    const line: Line = { waiting: [], tail: Promise.resolve() };
    this.#lines.set(key, line);
    return line;
  }
}

function words(notice: Notice): string {
  return scriptArguments(notice).join(" ");
}
