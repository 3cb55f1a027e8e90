import type { CountKey, NameKind } from "../ipc/counts/layout.ts";
import type { CommonCounts } from "./common-counts.ts";

/** A number of connections that may be open under a name. */
export interface ConnectionLimit {
  readonly name: string;
  readonly kind: NameKind;
  readonly most: number;
}

/**
 * Counts the connections that are limited, under any number of names: those of all processes, of a listener, of one of its
 * sources. `W` is a connection. What no limit concerns is not counted.
 */
export class ConnectionBook<W extends object> {
  private readonly counts: CommonCounts;
  private readonly held = new Map<W, CountKey[]>();

  constructor(counts: CommonCounts) {
    this.counts = counts;
  }

  /** Counts a connection under further names, if none of them is full; gives the one that is, or null. */
  enter(connection: W, limits: readonly ConnectionLimit[]): ConnectionLimit | null {
    const keys: CountKey[] = [];
    for (const limit of limits) {
      const key = this.counts.key(limit.name, limit.kind);
      if (!this.counts.enter(key, limit.most)) {
        for (const taken of keys) this.counts.leave(taken);
        return limit;
      }
      keys.push(key);
    }
    if (keys.length === 0) return null;
    const held = this.held.get(connection);
    if (held === undefined) this.held.set(connection, keys);
    else held.push(...keys);
    return null;
  }

  /** Forgets a connection that is gone. */
  leave(connection: W): void {
    const keys = this.held.get(connection);
    if (keys === undefined) return;
    this.held.delete(connection);
    for (const key of keys) this.counts.leave(key);
  }
}
