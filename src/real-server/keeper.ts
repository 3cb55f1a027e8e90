import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import { bringAbout, putBack, takeBack, type Report } from "./control.ts";
import { Host } from "./host.ts";
import { describeStep, type Step } from "./steps.ts";
import type { Wish } from "./table.ts";

/** How often everything is looked at; of changed settings the kernel tells nobody. */
const intervalMs = 2_000;
/** Changes come in flocks. */
const settleMs = 50;
/** Somebody who changes the same thing all the time is not fought faster than he is looked at. */
const mostPutBacks = 20;
const spanMs = 10_000;

/** Keeps a web server as it is wished, for as long as it runs: whatever somebody removes is put back. */
export class Keeper {
  readonly #host: Host;
  readonly #statePath: string;
  readonly #log: Log;
  #wish: Wish;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isSettling = false;
  #unsubscribe: () => void = () => undefined;
  #putBacks: number[] = [];
  #lastTrouble = "";

  constructor(wish: Wish, options: { readonly statePath: string; readonly log: Log }) {
    this.#host = Host.open();
    this.#wish = wish;
    this.#statePath = options.statePath;
    this.#log = options.log;
  }

  /** Brings the wish about, and looks after it from then on if that has worked. */
  start(): Report {
    const report = bringAbout(this.#host, this.#wish, this.#statePath);
    if (report.outcome.kind !== "done") return report;
    this.#unsubscribe = this.#host.watch((concerned) => {
      if (concerned(this.#wish.vips)) this.#soon();
    });
    this.#arm(intervalMs);
    return report;
  }

  /** Changes the wish; what could not be brought about is taken back, and the old wish holds on. */
  change(wish: Wish): Report {
    const report = bringAbout(this.#host, wish, this.#statePath);
    if (report.outcome.kind === "done") this.#wish = wish;
    return report;
  }

  /** Ends looking, and puts everything back as it was before the first start. */
  stop(): Report {
    this.#unsubscribe();
    if (this.#timer !== null) clearTimeout(this.#timer);
    try {
      return takeBack(this.#host, this.#statePath);
    } finally {
      this.#host.close();
    }
  }

  #arm(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  #soon(): void {
    if (this.#isSettling || this.#isFought()) return;
    this.#isSettling = true;
    this.#arm(settleMs);
  }

  #look(): void {
    this.#isSettling = false;
    try {
      this.#tell(putBack(this.#host, this.#wish, this.#statePath));
    } catch (error) {
      this.#complain(errorText(error));
    }
    this.#arm(intervalMs);
  }

  #tell({ steps, outcome }: Report): void {
    if (outcome.kind === "forbidden") return this.#complain("changing addresses and settings takes root");
    this.#tellPutBack(outcome.kind === "done" ? steps : outcome.inForce);
    if (outcome.kind === "done") this.#lastTrouble = "";
    else this.#complain(outcome.reason);
  }

  #tellPutBack(steps: readonly Step[]): void {
    if (steps.length === 0) return;
    this.#log.warning(`somebody changed this machine; put back: ${steps.map(describeStep).join("; ")}`);
    this.#putBacks.push(performance.now());
    if (this.#isFought()) {
      this.#log.warning(
        `that was the ${mostPutBacks}th time in a moment: from now on every ${intervalMs / 1000} s`,
      );
    }
  }

  /** What goes on being wrong is said once. */
  #complain(trouble: string): void {
    if (trouble === this.#lastTrouble) return;
    this.#lastTrouble = trouble;
    this.#log.error(trouble);
  }

  #isFought(): boolean {
    const now = performance.now();
    this.#putBacks = this.#putBacks.filter((at) => now - at < spanMs);
    return this.#putBacks.length >= mostPutBacks;
  }
}
