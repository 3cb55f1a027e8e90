import { formatEndpoint } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { type BalancedService, serviceId } from "./balanced-service.ts";
import { ProgramLine } from "./program-line.ts";
import type { QuorumChange } from "./quorum.ts";

/** Runs for one service that wait; one with several ports has a quorum at each of them. */
const mostWaiting = 16;
/** How long a stop waits for what is still to be run. */
const finishLimitMs = 3_000;

/** Runs what is to be run when services gain or lose their quorum: in order, one at a time for each service. */
export class QuorumScripts {
  readonly #log: Log;
  readonly #lines = new Map<string, ProgramLine>();

  constructor(log: Log) {
    this.#log = log;
  }

  tell(change: QuorumChange): void {
    const { service, hasQuorum } = change;
    const program = hasQuorum ? service.quorum.up : service.quorum.down;
    if (program === null) return;
    const line = this.#lines.get(service.name) ?? new ProgramLine(this.#log, mostWaiting);
    this.#lines.set(service.name, line);
    const what = `service ${service.name}: quorum_${hasQuorum ? "up" : "down"}`;
    line.run({ subject: serviceId(service), what, program, environment: environmentOf(change) });
  }

  /** Waits for everything that was told of, for a while. */
  async finish(): Promise<void> {
    const all = Promise.all([...this.#lines.values()].map(({ tail }) => tail));
    await Promise.race([all, Bun.sleep(finishLimitMs)]);
  }
}

function environmentOf({ service, hasQuorum, liveWeight }: QuorumChange): Record<string, string> {
  return {
    EDGE_HA_SERVICE: service.name,
    EDGE_HA_ADDRESS: placeText(service),
    EDGE_HA_QUORUM: hasQuorum ? "up" : "down",
    EDGE_HA_WEIGHT: String(liveWeight),
  };
}

/** A relay has one quorum for all its addresses. */
function placeText(service: BalancedService): string {
  if (!("key" in service))
    return service.sockets.map((socket) => `${service.protocol} ${formatEndpoint(socket)}`).join(" ");
  const { key } = service;
  return "mark" in key ? `fwmark ${key.mark}` : `${key.protocol} ${formatEndpoint(key)}`;
}
