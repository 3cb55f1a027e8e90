/** A number of connections that may be open under a name. */
export interface ConnectionLimit {
  readonly name: string;
  readonly most: number;
}

/**
 * Counts the connections that are limited, under any number of names: those of the process, of a listener, of one of its
 * sources. `W` is a connection. What no limit concerns is not counted. PURE.
 */
export class ConnectionBook<W extends object> {
  private readonly counts = new Map<string, number>();
  private readonly held = new Map<W, readonly string[]>();

  /** Counts a connection under further names, if none of them is full; gives the one that is, or null. */
  enter(connection: W, limits: readonly ConnectionLimit[]): ConnectionLimit | null {
    for (const limit of limits) if (this.count(limit.name) >= limit.most) return limit;
    if (limits.length === 0) return null;
    for (const { name } of limits) this.counts.set(name, this.count(name) + 1);
    const names = limits.map(({ name }) => name);
    this.held.set(connection, [...(this.held.get(connection) ?? []), ...names]);
    return null;
  }

  /** Forgets a connection that is gone. */
  leave(connection: W): void {
    const names = this.held.get(connection);
    if (names === undefined) return;
    this.held.delete(connection);
    for (const name of names) {
      const left = this.count(name) - 1;
      if (left > 0) this.counts.set(name, left);
      else this.counts.delete(name);
    }
  }

  /** How many connections are open under a name. */
  count(name: string): number {
    return this.counts.get(name) ?? 0;
  }
}
