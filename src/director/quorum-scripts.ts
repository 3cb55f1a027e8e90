import { formatEndpoint } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { resolveUser, runProgram } from "../base/program.ts";
import type { ServiceKeyPlan } from "../config/service-plan.ts";
import type { QuorumChange } from "./quorum.ts";

/** Programs of one service that wait; one that hangs must not fill the memory. */
const mostWaiting = 16;
/** How long a stop waits for what is still to be run. */
const finishLimitMs = 3_000;

/** Runs what is to be run when services gain or lose their quorum: in order, one at a time for each service. */
export class QuorumScripts {
  readonly #log: Log;
  readonly #tails = new Map<string, { waiting: number; tail: Promise<void> }>();

  constructor(log: Log) {
    this.#log = log;
  }

  tell(change: QuorumChange): void {
    const { service, hasQuorum } = change;
    const script = hasQuorum ? service.quorum.up : service.quorum.down;
    if (script === null) return;
    const line = this.#tails.get(service.name) ?? { waiting: 0, tail: Promise.resolve() };
    const what = `service ${service.name}: quorum_${hasQuorum ? "up" : "down"}`;
    if (line.waiting >= mostWaiting) {
      this.#log.warning(`${what} is not run: ${line.waiting} are waiting`);
      return;
    }
    line.waiting += 1;
    line.tail = line.tail.then(async () => {
      try {
        const { text, exitStatus } = await runProgram({
          command: script.command,
          timeoutMs: script.timeoutMs,
          user: resolveUser(script.user),
          environment: environmentOf(change),
        });
        if (exitStatus !== 0) this.#log.warning(`${what}: ${text}`);
      } catch (error) {
        this.#log.warning(`${what}: ${String(error)}`);
      }
      line.waiting -= 1;
    });
    this.#tails.set(service.name, line);
  }

  /** Waits for everything that was told of, for a while. */
  async finish(): Promise<void> {
    const all = Promise.all([...this.#tails.values()].map(({ tail }) => tail));
    await Promise.race([all, Bun.sleep(finishLimitMs)]);
  }
}

function environmentOf({ service, hasQuorum, liveWeight }: QuorumChange): Record<string, string> {
  return {
    EDGE_HA_SERVICE: service.name,
    EDGE_HA_ADDRESS: placeText(service.key),
    EDGE_HA_QUORUM: hasQuorum ? "up" : "down",
    EDGE_HA_WEIGHT: String(liveWeight),
  };
}

function placeText(key: ServiceKeyPlan): string {
  return "mark" in key ? `fwmark ${key.mark}` : `${key.protocol} ${formatEndpoint(key)}`;
}
