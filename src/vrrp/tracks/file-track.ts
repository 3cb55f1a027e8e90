import { later } from "../../base/instant.ts";
import type { FileTrackPlan } from "../../config/track-plan.ts";
import { type Burden, fileBurden, fileValue } from "../tracking.ts";
import type { Track, TrackNeeds } from "./track.ts";

/** Events are the rule; the poll is for file systems without them and for a directory that comes later. */
const pollMs = 1000;
/** A shell empties a file before it writes: the moment between is not read. */
const settleMs = 20;

/** One tracked file: the number in it, followed as it changes. */
export class FileTrack implements Track {
  readonly plan: FileTrackPlan;
  readonly #needs: TrackNeeds;
  #value = 0;
  #complaint: string | null = null;
  #unwatch: (() => void) | null = null;
  #cancelPoll: (() => void) | null = null;
  #cancelRead: (() => void) | null = null;

  constructor(plan: FileTrackPlan, needs: TrackNeeds) {
    this.plan = plan;
    this.#needs = needs;
  }

  /** Reads it now and whenever it changes. */
  start(): void {
    this.#poll();
  }

  /** Nothing to look at: changes come by themselves. */
  look(): void {}

  stop(): void {
    this.#unwatch?.();
    this.#cancelPoll?.();
    this.#cancelRead?.();
  }

  burden(): Burden | null {
    return fileBurden(this.plan, this.#value);
  }

  #poll(): void {
    const { host } = this.#needs;
    const { clock } = host;
    this.#unwatch ??= host.watchFile(this.plan.path, () => this.#readSoon());
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
