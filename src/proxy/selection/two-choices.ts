import { type Caller, isOpenTo, type RelayCandidate, type Scheduler } from "./scheduler.ts";

/** Draws two servers by their weights and takes the one with fewer connections for its weight (`twos`). */
export class TwoChoices<T extends RelayCandidate> implements Scheduler<T> {
  private readonly servers: readonly T[];
  private readonly random: () => number;

  constructor(servers: readonly T[], random: () => number) {
    this.servers = servers;
    this.random = random;
  }

  next(_: Caller, tried: readonly T[] | null): T | null {
    const one = this.draw(tried);
    const other = this.draw(tried);
    if (one === null || other === null) return one;
    return other.activeConnections * one.weight < one.activeConnections * other.weight ? other : one;
  }

  private draw(tried: readonly T[] | null): T | null {
    let total = 0;
    for (const server of this.servers) if (takes(server, tried)) total += server.weight;
    let point = this.random() * total;
    let last: T | null = null;
    for (const server of this.servers) {
      if (!takes(server, tried)) continue;
      last = server;
      if (point < server.weight) break;
      point -= server.weight;
    }
    return last;
  }
}

function takes<T extends RelayCandidate>(server: T, tried: readonly T[] | null): boolean {
  return !server.isFull && isOpenTo(server, tried);
}
