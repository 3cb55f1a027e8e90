import { FifoLines, openFifo } from "../base/fifo.ts";
import { knownUser } from "../base/known-users.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { NotifyPlan } from "../config/node-plan.ts";
import { ProgramLine } from "./program-line.ts";
import type { ServiceNotice } from "./service-notices.ts";

/** Runs of the script that wait, before only the last word on each server and service does. */
const mostWaiting = 1_000;
/** How long a stop waits for what is still to be run. */
const finishLimitMs = 1_500;

/** Tells the script and the FIFO of `[notify]` of services and servers: each in order, the script one run at a time. */
export class ServiceNotifier {
  readonly #log: Log;
  readonly #line: ProgramLine;
  #plan: NotifyPlan | null = null;
  #fifo: FifoLines | null = null;

  constructor(log: Log) {
    this.#log = log;
    this.#line = new ProgramLine(log, mostWaiting);
  }

  get isAnyoneTold(): boolean {
    return this.#plan !== null;
  }

  /** Takes another plan; the result says why not, and then the old one is still in force. */
  configure(plan: NotifyPlan | null): string | null {
    const path = plan?.fifo ?? null;
    try {
      const script = plan?.script ?? null;
      if (script !== null) knownUser(script.user);
      if (path !== (this.#plan?.fifo ?? null)) {
        const fifo = path === null ? null : new FifoLines(openFifo(path), this.#log);
        this.#fifo?.close();
        this.#fifo = fifo;
      }
    } catch (error) {
      return `[notify]: ${errorText(error)}`;
    }
    this.#plan = plan;
    return null;
  }

  tell(notices: readonly ServiceNotice[]): void {
    if (this.#plan === null) return;
    const { script, node } = this.#plan;
    for (const { service, words } of notices) {
      this.#fifo?.write(`${words.join(" ")}\n`);
      if (script === null) continue;
      const environment = { EDGE_HA_NODE: node, EDGE_HA_SERVICE: service };
      const what = `notify script: ${words.join(" ")}`;
      // The last word is how it stands.
      const subject = words.slice(0, -1).join(" ");
      this.#line.run({ subject, what, program: script, words, environment });
    }
  }

  /** Waits for what was told, for a while; what runs or waits then is ended. */
  async finish(): Promise<void> {
    await Promise.race([this.#line.tail, Bun.sleep(finishLimitMs)]);
    this.#line.stop();
    this.#fifo?.close();
    this.#fifo = null;
    this.#plan = null;
  }
}
