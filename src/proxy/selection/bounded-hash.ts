import { Maglev } from "./maglev.ts";
import { type Caller, isOpenTo, type RelayCandidate, type Scheduler } from "./scheduler.ts";

/**
 * Consistent hashing with bounded loads: equal texts go to the same server, unless that one has more than `bound` times
 * its share of what is open; then to the next in the order that the text has of the servers. So one text that everybody
 * asks for cannot bury a server.
 */
export class BoundedHash<T extends RelayCandidate> implements Scheduler<T> {
  private readonly servers: readonly T[];
  private readonly bound: number;
  private readonly places: Maglev<T>;
  /** What all servers may have together: each has a share of it by its weight. */
  private most = 0;
  private weights = 1;

  constructor(servers: readonly T[], bound: number) {
    this.servers = servers;
    this.bound = bound;
    this.places = new Maglev(
      servers,
      ["fallback"],
      // Without a division, which would round a server that is at its bound to below it.
      ({ activeConnections, weight }) => activeConnections * this.weights < this.most * weight,
    );
  }

  next(caller: Caller, tried: readonly T[] | null): T | null {
    let open = 0;
    let weights = 0;
    for (const server of this.servers) {
      if (server.isFull || !isOpenTo(server, tried)) continue;
      open += server.activeConnections;
      weights += server.weight;
    }
    // Of those that may be chosen one is always below: all of them together have less than this.
    this.most = this.bound * (open + 1);
    this.weights = Math.max(1, weights);
    return this.places.next(caller, tried);
  }
}
