import { later } from "../../base/instant.ts";
import type { ProcessTrackPlan } from "../../config/track-plan.ts";
import type { ProcessEvent } from "../../kernel/proc-connector.ts";
import type { Burden } from "../tracking.ts";
import { DelayedVerdict } from "./delayed-verdict.ts";
import { isMeant, processSight } from "./process-match.ts";
import type { Track, TrackNeeds } from "./track.ts";

/** How often all processes are looked at where the kernel does not tell of new ones, and where it does. */
const lookMs = { alone: 2000, told: 30_000 } as const;
/** Processes looked at in one go: each takes some 20 µs of this process, which has elections to hold. */
const sliceLength = 32;
/** More than can be wanted (255): of a program with thousands of processes it is enough to follow these. */
const mostFollowed = 256;

/**
 * The processes of a name. The end of each is told by the kernel at once, wherever this runs; a start is told in the first
 * namespaces only, and found by looking elsewhere.
 */
export class ProcessTrack implements Track {
  readonly plan: ProcessTrackPlan;
  readonly #needs: TrackNeeds;
  readonly #verdict: DelayedVerdict;
  /** What ends the watch on each process that is followed, by its pid. */
  readonly #followed = new Map<number, () => void>();
  #unsubscribe: (() => void) | null = null;
  #cancel: (() => void) | null = null;
  /** Whether all processes have been looked at once. */
  #hasLooked = false;
  #wasCutShort = false;

  constructor(plan: ProcessTrackPlan, needs: TrackNeeds) {
    this.plan = plan;
    this.#needs = needs;
    this.#verdict = new DelayedVerdict(plan, needs, null);
  }

  /** Subscribes first and looks then: no start falls in between. */
  start(): void {
    this.#unsubscribe = this.#needs.host.processes.subscribe((event) => this.#hear(event));
    this.#lookAtAll();
  }

  /** Nothing to look at: processes come and go by themselves. */
  look(): void {}

  stop(): void {
    this.#unsubscribe?.();
    this.#cancel?.();
    for (const end of this.#followed.values()) end();
    this.#followed.clear();
    this.#verdict.stop();
  }

  burden(): Burden | null {
    return this.#verdict.burden();
  }

  #hear(event: ProcessEvent): void {
    if (event.kind === "overrun") return this.#lookAtAll();
    // A child begins as what its parent is.
    if (event.kind === "fork" && !this.#followed.has(event.parent)) return;
    this.#examine(event.pid);
    this.#see();
  }

  #lookAtAll(): void {
    this.#cancel?.();
    this.#wasCutShort = false;
    this.#lookAt([...this.#needs.host.processes.list()]);
  }

  #lookAt(pids: readonly number[]): void {
    const { clock } = this.#needs.host;
    for (const pid of pids.slice(0, sliceLength)) this.#examine(pid);
    const rest = pids.slice(sliceLength);
    if (rest.length > 0) {
      this.#cancel = clock.schedule(clock.now(), () => this.#lookAt(rest));
      return;
    }
    this.#hasLooked = true;
    this.#see();
    const pauseMs = this.#unsubscribe === null ? lookMs.alone : lookMs.told;
    this.#cancel = clock.schedule(later(clock.now(), pauseMs), () => this.#lookAtAll());
  }

  /** Follows a process that is meant, and leaves one that is not meant any more. */
  #examine(pid: number): void {
    const { processes } = this.#needs.host;
    const before = this.#followed.get(pid);
    const text = processes.describe(pid);
    const isOne = text !== null && isMeant(this.plan, text);
    if (!isOne) {
      before?.();
      this.#followed.delete(pid);
    } else if (before === undefined) {
      if (this.#followed.size >= mostFollowed) this.#wasCutShort = true;
      else this.#follow(pid);
    }
  }

  #follow(pid: number): void {
    const end = this.#needs.host.processes.watchEnd(pid, () => {
      this.#followed.delete(pid);
      this.#see();
      if (this.#wasCutShort) this.#lookAtAll();
    });
    if (end !== null) this.#followed.set(pid, end);
  }

  #see(): void {
    if (!this.#hasLooked) return;
    if (this.#verdict.see(processSight(this.plan, this.#followed.size))) this.#needs.changed();
  }
}
