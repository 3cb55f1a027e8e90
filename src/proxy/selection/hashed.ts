import type { SchedulerFlag } from "../../config/service-plan.ts";
import { hashText, rehash } from "./hash.ts";
import { type Caller, clientText, isOpenTo, type RelayCandidate, type Scheduler } from "./scheduler.ts";

/**
 * Chooses by the hash of the client's address (`sh`, each server by its weight) or of the one it came to (`dh`, all
 * alike): equal ones go to the same server for as long as the same servers are up.
 */
export class Hashed<T extends RelayCandidate> implements Scheduler<T> {
  private readonly servers: readonly T[];
  private readonly of: "client" | "destination";
  private readonly flags: readonly SchedulerFlag[];

  constructor(
    servers: readonly T[],
    by: { readonly of: "client" | "destination"; readonly flags: readonly SchedulerFlag[] },
  ) {
    this.servers = servers;
    this.of = by.of;
    this.flags = by.flags;
  }

  next(caller: Caller, tried: readonly T[] | null): T | null {
    const text = this.of === "client" ? clientText(caller, this.flags) : caller.localAddress;
    const hash = hashText(text);
    const chosen = this.at(hash, tried, true);
    if (chosen?.isFull !== true) return chosen;
    return this.flags.includes("fallback") ? this.at(rehash(hash, 1), tried, false) : null;
  }

  private at(hash: number, tried: readonly T[] | null, takesFull: boolean): T | null {
    let total = 0;
    for (const server of this.servers) total += this.share(server, tried, takesFull);
    // Taken by proportion and not as a remainder, so that every bit of the hash counts.
    let point = Math.floor((hash / 2 ** 32) * total);
    for (const server of this.servers) {
      const share = this.share(server, tried, takesFull);
      if (point < share) return server;
      point -= share;
    }
    return null;
  }

  private share(server: T, tried: readonly T[] | null, takesFull: boolean): number {
    if (!isOpenTo(server, tried) || (server.isFull && !takesFull)) return 0;
    return this.of === "client" ? server.weight : 1;
  }
}
