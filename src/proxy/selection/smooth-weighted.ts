import type { Scheduler } from "./scheduler.ts";

/** A server that a balancer may choose. */
export interface Candidate {
  /** 0 takes nothing new. */
  readonly weight: number;
  readonly isBackup: boolean;
  /** The standing verdict on its health. */
  readonly isUp: boolean;
  /** Whether it has as many connections as it may have. */
  readonly isFull: boolean;
}

/**
 * Smooth weighted round robin: each turn every usable server gains its weight, the richest is chosen and pays the
 * sum, so that 5:1:1 gives a a b a c a a and not a a a a a b c. With equal weights it is plain round robin.
 */
export class SmoothWeighted<T extends Candidate> {
  private readonly servers: readonly T[];
  private readonly credit: Float64Array;

  constructor(servers: readonly T[]) {
    this.servers = servers;
    this.credit = new Float64Array(servers.length);
  }

  /** Gives the next server that is up and not among those tried; null if none is left. */
  next(tried: readonly T[] | null): T | null {
    const { servers, credit } = this;
    let total = 0;
    let best = -1;
    for (let index = 0; index < servers.length; index++) {
      const server = servers[index];
      if (server === undefined || !server.isUp || server.isFull || server.weight === 0) continue;
      if (tried !== null && tried.includes(server)) continue;
      total += server.weight;
      credit[index] = (credit[index] ?? 0) + server.weight;
      if (best < 0 || (credit[index] ?? 0) > (credit[best] ?? 0)) best = index;
    }
    if (best < 0) return null;
    credit[best] = (credit[best] ?? 0) - total;
    return servers[best] ?? null;
  }
}

/** Makes the scheduler that gives each server its turns, whoever asks. */
export function byTurns<T extends Candidate>(servers: readonly T[]): Scheduler<T> {
  const turns = new SmoothWeighted(servers);
  return { next: (_, tried) => turns.next(tried) };
}
