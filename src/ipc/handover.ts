import type { Family } from "../base/address.ts";

/** What passes between `edge-ha failover` and the `vrrp` process: the order, and what became of it. */

/** What the operator wants. */
export interface HandoverOrder {
  /** Names of virtual routers or sync groups; null is everything this node holds, or with `isBack` has handed over. */
  readonly names: readonly string[] | null;
  /** Take the normal claim again, in place of handing over. */
  readonly isBack: boolean;
  /** Resign at once, without waiting for open connections to end. */
  readonly isNow: boolean;
}

/** What became of one virtual router. */
export interface HandoverOutcome {
  readonly name: string;
  readonly isDone: boolean;
  /** Sentence fragment that a person can read, such as `lb2 holds it since …; handed over in 4 ms`. */
  readonly text: string;
  /** Who holds the addresses now as far as known, which may be this very node. */
  readonly holder: { readonly node: string | null; readonly address: string } | null;
  /** From priority 0 to the first advertisement of the next holder; null if none was waited for. */
  readonly tookMs: number | null;
}

/** What became of an order. */
export interface HandoverReport {
  readonly outcomes: readonly HandoverOutcome[];
  /** Why nothing was tried, such as an unknown name; null if it was. */
  readonly refusal: string | null;
}

/** A virtual router that the operator has handed over, for a process that takes the place of another. */
export interface HandedOver {
  readonly interface: string;
  readonly family: Family;
  readonly vrid: number;
  /** Time of day, ISO 8601. */
  readonly at: string;
}
