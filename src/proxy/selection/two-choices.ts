import type { Caller, RelayCandidate, Scheduler } from "./scheduler.ts";
import { weightedDraw } from "./weighted-draw.ts";

/** Draws two servers by their weights and takes the one with fewer connections for its weight (`twos`). */
export class TwoChoices<T extends RelayCandidate> implements Scheduler<T> {
  private readonly servers: readonly T[];
  private readonly random: () => number;

  constructor(servers: readonly T[], random: () => number) {
    this.servers = servers;
    this.random = random;
  }

  next(_: Caller, tried: readonly T[] | null): T | null {
    const one = weightedDraw(this.servers, tried, this.random());
    const other = weightedDraw(this.servers, tried, this.random());
    if (one === null || other === null) return one;
    return other.activeConnections * one.weight < one.activeConnections * other.weight ? other : one;
  }
}
