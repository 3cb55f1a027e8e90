import type { BalancedService } from "./balanced-service.ts";

/** A service that has gained or lost its quorum. */
export interface QuorumChange {
  readonly service: BalancedService;
  readonly hasQuorum: boolean;
  readonly liveWeight: number;
  /** Whether the service was looked at for the first time. */
  readonly isFirst: boolean;
}

/**
 * Remembers which services have their quorum. PURE but for its memory. Between quorum minus hysteresis and quorum plus
 * hysteresis a service stays as it is; one that is looked at for the first time has it from the quorum itself on.
 */
export class Quorums {
  readonly #known = new Map<string, boolean>();
  readonly #changes: QuorumChange[] = [];

  /** Tells whether a service would have its quorum with this weight, after what was last noted of it. */
  would(key: string, { quorum }: BalancedService, liveWeight: number): boolean {
    const { weight, hysteresis } = quorum;
    const before = this.#known.get(key);
    const needed = before === false ? weight + hysteresis : before === true ? weight - hysteresis : weight;
    return liveWeight >= needed;
  }

  /** Notes whether a service has its quorum, and the change if that is news. */
  note(key: string, service: BalancedService, liveWeight: number): void {
    const before = this.#known.get(key);
    const hasQuorum = this.would(key, service, liveWeight);
    if (hasQuorum === before) return;
    this.#known.set(key, hasQuorum);
    this.#changes.push({ service, hasQuorum, liveWeight, isFirst: before === undefined });
  }

  /** Whether a service has its quorum as last noted; null if it never was. */
  standing(key: string): boolean | null {
    return this.#known.get(key) ?? null;
  }

  /** Forgets services that are no more. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key);
  }

  /** Gives the changes since the last call. */
  takeChanges(): readonly QuorumChange[] {
    return this.#changes.splice(0);
  }
}
