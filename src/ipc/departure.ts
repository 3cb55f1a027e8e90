/**
 * What passes between `vrrp`, the supervisor and the proxies before addresses are handed over: `vrrp` says what to do with
 * the connections to them, the proxies how many were left.
 *
 *     drain   every response closes its connection; new connections are answered
 *     clear   nothing new is let in (hosts ask again after a second), what is idle is closed, what is left has a moment
 *     over    the addresses have gone, or stay
 */

/** A step on the way. */
export type DepartureStep =
  | { readonly kind: "drain"; readonly limitMs: number }
  /** `holdsNew` leaves new connections unanswered until `over`; without it they are let in as before. */
  | { readonly kind: "clear"; readonly limitMs: number; readonly holdsNew: boolean }
  | { readonly kind: "over"; readonly isGone: boolean };

/** An order; the answer to `drain` and `clear` has the same number and kind. */
export interface Departure {
  readonly id: number;
  readonly addresses: readonly string[];
  readonly step: DepartureStep;
}

/** Said when nothing is open any more, at the limit at the latest. */
export interface DepartureReply {
  readonly id: number;
  readonly kind: "drain" | "clear";
  /** How many connections were in use at the limit, and were ended. */
  readonly ended: number;
}
