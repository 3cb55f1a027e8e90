import { FifoLines } from "../base/fifo.ts";
import { later, type Instant } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import type { NotifyPlan, NotifyScriptPlan, OwnNotifyPlan } from "../config/node-plan.ts";
import type { UserIds } from "../base/program.ts";
import type { Host } from "./host.ts";
import { fifoLine, type Notice, ownPrograms, scriptArguments, scriptEnvironment } from "./notice.ts";

/** What telling others takes. */
export interface NotifierNeeds {
  readonly host: Pick<Host, "clock" | "runScript" | "resolveUser" | "openFifo">;
  readonly log: Log;
}

/** A notice, and the programs of its instance or group alone. */
interface Telling {
  readonly notice: Notice;
  readonly own: OwnNotifyPlan | null;
}

/** The notices of one instance or group that wait for their turn. */
interface Line {
  readonly waiting: Telling[];
  /** Settled when everything that was asked for so far has been carried out. */
  tail: Promise<void>;
}

/** Those who are told of everything. */
interface Target extends NotifyPlan {
  readonly writer: FifoLines | null;
}

const nobody: Target = { node: "", script: null, fifo: null, writer: null };

/** Waiting notices of one instance; a script that hangs at every one of an instance that flaps must not fill the memory. */
const mostWaiting = 64;
/** Starting a program takes a millisecond or two of this process: between two starts the elections have their turn. */
const startPauseMs = 5;

/**
 * Tells scripts and a FIFO of changes of state. Each instance and group has a line of its own: in order, one script at
 * a time, its own before the one for all; a group's waits for those of its members. Nothing here makes an election wait.
 */
export class Notifier {
  readonly #needs: NotifierNeeds;
  readonly #lines = new Map<string, Line>();
  readonly #stopped = new AbortController();
  /** By their names in the configuration; they outlive a reload, as routers that leave have their programs yet. */
  readonly #users = new Map<string | null, UserIds | null>();
  #target: Target = nobody;
  #nextStart: Instant;

  constructor(needs: NotifierNeeds) {
    this.#needs = needs;
    this.#nextStart = needs.host.clock.now();
  }

  /** Gets ready for another plan and for the programs of single instances and groups, or throws; the result puts it in force. */
  prepare(plan: NotifyPlan | null, owns: readonly (OwnNotifyPlan | null)[] = []): () => void {
    const { host } = this.#needs;
    const before = this.#target;
    const programs = [plan?.script, ...owns.flatMap((own) => (own === null ? [] : Object.values(own)))];
    const names = new Set(programs.flatMap((program) => (program ? [program.user] : [])));
    const users = [...names].map((name) => [name, host.resolveUser(name)] as const);
    const path = plan?.fifo ?? null;
    const isSame = before.fifo === path;
    const writer = isSame
      ? before.writer
      : path === null
        ? null
        : new FifoLines(host.openFifo(path), this.#needs.log);
    return () => {
      if (!isSame) before.writer?.close();
      for (const [name, user] of users) this.#users.set(name, user);
      this.#target = { ...(plan ?? { ...nobody, node: before.node }), writer };
    };
  }

  /** Tells of one change; scripts wait for what was asked before for the same name, and for all of `after`. */
  tell(notice: Notice, own: OwnNotifyPlan | null = null, after: readonly string[] = []): void {
    this.#target.writer?.write(fifoLine(notice));
    if (own === null && this.#target.script === null) return;
    const line = this.#lineOf(`${notice.kind} ${notice.name}`);
    line.waiting.push({ notice, own });
    if (line.waiting.length > mostWaiting) {
      const [dropped] = line.waiting.splice(0, 1);
      if (dropped !== undefined)
        this.#needs.log.warning(`notify script: too far behind, left out: ${words(dropped.notice)}`);
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
    this.#target.writer?.close();
    this.#target = nobody;
  }

  async #runNext(line: Line): Promise<void> {
    const telling = line.waiting.shift();
    if (telling === undefined) return;
    const { notice, own } = telling;
    for (const { program, isTold } of own === null ? [] : ownPrograms(own, notice.state)) {
      const [name = ""] = program.command;
      await this.#run(program, { notice, isTold, who: `notify script ${name}` });
    }
    const { script } = this.#target;
    if (script !== null) await this.#run(script, { notice, isTold: true, who: "notify script" });
  }

  async #run(
    { command, timeoutMs, user }: NotifyScriptPlan,
    how: { readonly notice: Notice; readonly isTold: boolean; readonly who: string },
  ): Promise<void> {
    const { notice, isTold, who } = how;
    const { signal } = this.#stopped;
    await this.#turn();
    if (signal.aborted) return;
    const result = await this.#needs.host.runScript({
      command: isTold ? [...command, ...scriptArguments(notice)] : command,
      timeoutMs,
      user: this.#users.get(user) ?? null,
      signal,
      environment: scriptEnvironment(notice, this.#target.node),
    });
    if (!result.hasSucceeded && !signal.aborted) {
      this.#needs.log.warning(`${who}: ${words(notice)}: ${result.text}`);
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
