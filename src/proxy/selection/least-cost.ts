import { type Caller, isOpenTo, type RelayCandidate, type Scheduler } from "./scheduler.ts";

/** What a connection more would cost on a server; infinite is too much. */
export type Cost = (server: Pick<RelayCandidate, "weight" | "activeConnections">) => number;

const shortestDelay: Cost = ({ weight, activeConnections }) => (activeConnections + 1) / weight;

/** The schedulers that look for the least of something. */
export const costs: Readonly<Record<"lc" | "wlc" | "sed" | "nq" | "fo" | "ovf", Cost>> = {
  lc: ({ activeConnections }) => activeConnections,
  wlc: ({ weight, activeConnections }) => activeConnections / weight,
  sed: shortestDelay,
  // An idle server before any other, however slow it is.
  nq: (server) => (server.activeConnections === 0 ? 0 : shortestDelay(server)),
  fo: ({ weight }) => -weight,
  ovf: ({ weight, activeConnections }) => (activeConnections > weight ? Number.POSITIVE_INFINITY : -weight),
};

/** Chooses the server where a connection costs least. */
export class LeastCost<T extends RelayCandidate> implements Scheduler<T> {
  private readonly servers: readonly T[];
  private readonly cost: Cost;
  private readonly rotates: boolean;
  private first: number;

  /** With equal costs servers take turns from `first` on; null always takes the one that is first in the list. */
  constructor(servers: readonly T[], cost: Cost, first: number | null) {
    this.servers = servers;
    this.cost = cost;
    this.rotates = first !== null;
    this.first = first ?? 0;
  }

  next(_: Caller, tried: readonly T[] | null): T | null {
    const { servers } = this;
    let best: T | null = null;
    let bestCost = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < servers.length; turn++) {
      const server = servers[(this.first + turn) % servers.length];
      if (server === undefined || server.isFull || !isOpenTo(server, tried)) continue;
      const cost = this.cost(server);
      if (cost >= bestCost) continue;
      best = server;
      bestCost = cost;
    }
    if (this.rotates) this.first = (this.first + 1) % Math.max(1, servers.length);
    return best;
  }
}
