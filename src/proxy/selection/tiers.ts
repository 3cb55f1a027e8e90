import { type Caller, isOpenTo, type RelayCandidate, type Scheduler } from "./scheduler.ts";

/**
 * Backups stand behind the other servers: they get something only while none of those is open, or all were tried. One that
 * is full is open; who wants it can wait.
 */
export class Tiers<T extends RelayCandidate> implements Scheduler<T> {
  private readonly regular: readonly T[];
  private readonly front: Scheduler<T>;
  private readonly back: Scheduler<T>;

  constructor(servers: readonly T[], make: (servers: readonly T[]) => Scheduler<T>) {
    this.regular = servers.filter(({ isBackup }) => !isBackup);
    this.front = make(this.regular);
    this.back = make(servers.filter(({ isBackup }) => isBackup));
  }

  next(caller: Caller, tried: readonly T[] | null): T | null {
    const server = this.front.next(caller, tried);
    if (server !== null) return server;
    return this.regular.some((one) => isOpenTo(one, tried)) ? null : this.back.next(caller, tried);
  }
}
