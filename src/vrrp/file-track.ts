import { later } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import type { FileTrackPlan } from "../config/node-plan.ts";
import type { Host } from "./host.ts";
import { type Burden, fileBurden, fileValue } from "./tracking.ts";

/** What a tracked file takes. */
export interface FileTrackNeeds {
  readonly host: Pick<Host, "clock" | "readFile" | "watchFile">;
  readonly log: Log;
  /** Called when the number has changed. */
  readonly changed: () => void;
}

/** Events are the rule; the poll is for file systems without them and for a directory that comes later. */
const pollMs = 1000;
/** A shell empties a file before it writes: the moment between is not read. */
const settleMs = 20;

/** One tracked file: the number in it, followed as it changes. */
export class FileTrack {
  readonly plan: FileTrackPlan;
  readonly #needs: FileTrackNeeds;
  #value = 0;
  #complaint: string | null = null;
  #unwatch: (() => void) | null = null;
  #cancelPoll: (() => void) | null = null;
  #cancelRead: (() => void) | null = null;

  constructor(plan: FileTrackPlan, needs: FileTrackNeeds) {
    this.plan = plan;
    this.#needs = needs;
  }

  /** Reads it now and whenever it changes. */
  start(): void {
    this.#poll();
  }

  /** Ends the watch. */
  stop(): void {
    this.#unwatch?.();
    this.#cancelPoll?.();
    this.#cancelRead?.();
  }

  /** Says what the number means for the claims that depend on it, or null if nothing. */
  burden(): Burden | null {
    return fileBurden(this.plan, this.#value);
  }

  #poll(): void {
    const { clock, watchFile } = this.#needs.host;
    this.#unwatch ??= watchFile(this.plan.path, () => this.#readSoon());
    this.#read();
    this.#cancelPoll = clock.schedule(later(clock.now(), pollMs), () => this.#poll());
  }

  #readSoon(): void {
    const { clock } = this.#needs.host;
    this.#cancelRead ??= clock.schedule(later(clock.now(), settleMs), () => {
      this.#cancelRead = null;
      this.#read();
    });
  }

  #read(): void {
    const { host, log, changed } = this.#needs;
    const { name, path } = this.plan;
    const { value, complaint } = fileValue(host.readFile(path));
    if (complaint !== null && complaint !== this.#complaint)
      log.warning(`track ${name}: ${path} ${complaint}`);
    this.#complaint = complaint;
    if (value === this.#value) return;
    log.notice(`track ${name}: ${path}: ${this.#value} → ${value}`);
    this.#value = value;
    changed();
  }
}
