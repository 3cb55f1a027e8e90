import { readFileSync } from "node:fs";
import type { Log } from "../base/log.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import type { AgentForm } from "../config/agent-words.ts";
import type { CheckConfig } from "../config/config.ts";
import { agentLine, type DrainWord } from "./agent-line.ts";
import { Agent } from "./agent.ts";
import type { Report } from "./control.ts";
import { drainPath, readDrain } from "./drain-file.ts";
import { Keeper } from "./keeper.ts";
import { percentOf, readProcessorTimes, sampled, type LoadReading } from "./processor-load.ts";
import { SelfCheck } from "./self-check.ts";
import type { Wish } from "./table.ts";

/** What `rs serve` does. */
export interface ServiceWish extends Wish {
  readonly agent: AgentForm | null;
  readonly health: CheckConfig | null;
}

const sampleMs = 1_000;

/** A web server that stays as it is wished, and answers directors that ask how much it can take. */
export class RealServerService {
  readonly #keeper: Keeper;
  readonly #check: SelfCheck;
  readonly #drainPath: string;
  readonly #log: Log;
  #wish: ServiceWish;
  #agent: Agent | null = null;
  #load: LoadReading | null = null;
  #sampler: ReturnType<typeof setInterval> | null = null;
  #drain: DrainWord | null = null;

  constructor(wish: ServiceWish, options: { readonly statePath: string; readonly log: Log }) {
    this.#wish = wish;
    this.#log = options.log;
    this.#drainPath = drainPath(options.statePath);
    this.#keeper = new Keeper(wish, options);
    this.#check = new SelfCheck(options.log);
  }

  /** Listens, then brings the wish about; throws if the agent's address cannot be had, before anything is changed. */
  start(): Report {
    this.#drain = readDrain(this.#drainPath);
    if (this.#drain !== null)
      this.#log.notice(`out of service: ${this.#drain}, until \`edge-ha rs drain --undo\``);
    this.#agent = this.#listen(this.#wish.agent);
    const report = this.#keeper.start();
    if (report.outcome.kind === "done") this.#observe();
    else this.#agent?.close();
    return report;
  }

  /** Takes another wish; the old one holds on where that cannot be brought about. Throws as `start` does. */
  change(wish: ServiceWish): Report {
    const before = this.#wish.agent;
    const isSamePlace = before?.address === wish.agent?.address && before?.port === wish.agent?.port;
    // One that could not be had there again does not listen at all.
    const stays = isSamePlace && (wish.agent === null || this.#agent !== null);
    const fresh = stays ? this.#agent : this.#listenBeside(wish.agent);
    const report = this.#changeKept(wish, stays ? null : fresh);
    if (report.outcome.kind !== "done") return report;
    if (!stays) this.#agent?.close();
    this.#agent = fresh;
    this.#wish = wish;
    if (wish.agent !== null) this.#agent?.update({ allow: wish.agent.allow });
    this.#observe();
    return report;
  }

  /** Ends the agent and puts everything back. */
  stop(): Report {
    this.#agent?.close();
    this.#check.close();
    if (this.#sampler !== null) clearInterval(this.#sampler);
    return this.#keeper.stop();
  }

  /** Has what is kept changed; where that fails, by throwing too, an agent that listens for it already is closed. */
  #changeKept(wish: ServiceWish, fresh: Agent | null): Report {
    let isDone = false;
    try {
      const report = this.#keeper.change(wish);
      isDone = report.outcome.kind === "done";
      return report;
    } finally {
      if (!isDone) {
        fresh?.close();
        this.#listenAgain();
      }
    }
  }

  /** Listens at another place; where the agent is in its own way, as at another address of the same port, it leaves the old one first. */
  #listenBeside(agent: AgentForm | null): Agent | null {
    try {
      return this.#listen(agent);
    } catch (error) {
      if (!hasCode(error, "EADDRINUSE") || agent?.port !== this.#wish.agent?.port) throw error;
    }
    this.#agent?.close();
    this.#agent = null;
    try {
      return this.#listen(agent);
    } catch (error) {
      this.#listenAgain();
      throw error;
    }
  }

  /** Goes back to where it listened; that this cannot be is not what the operator is to hear instead of what came before. */
  #listenAgain(): void {
    try {
      this.#agent ??= this.#listen(this.#wish.agent);
    } catch (error) {
      this.#log.error(`the agent answers no more until the next reload: ${errorText(error)}`);
    }
  }

  #listen(agent: AgentForm | null): Agent | null {
    if (agent === null) return null;
    const { address, port, allow } = agent;
    return Agent.listen({ address, port, allow, answer: () => this.#answer() });
  }

  #observe(): void {
    this.#check.configure(this.#wish.vips, this.#wish.health);
    if (this.#sampler !== null) clearInterval(this.#sampler);
    const samples = this.#wish.agent?.weight === "cpu";
    this.#sampler = samples ? setInterval(() => this.#sample(), sampleMs) : null;
    if (samples) this.#sample();
    else this.#load = null;
  }

  #sample(): void {
    const times = readProcessorTimes(readFileSync("/proc/stat", "utf8"));
    if (times !== null) this.#load = sampled(this.#load, times);
  }

  #answer(): string {
    const percent = this.#load === null ? 100 : percentOf(this.#load);
    return agentLine({ drain: this.#readDrain(), problem: this.#check.problem(), percent });
  }

  /** A file that cannot be read says nothing new. */
  #readDrain(): DrainWord | null {
    try {
      const drain = readDrain(this.#drainPath);
      if (drain !== this.#drain)
        this.#log.notice(drain === null ? "in service again" : `out of service: ${drain}`);
      this.#drain = drain;
    } catch (error) {
      this.#log.warning(errorText(error));
    }
    return this.#drain;
  }
}
