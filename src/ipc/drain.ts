/** What passes between `edge-ha drain`, `edge-ha enable` and the `director` process: the order, and what became of it. */

/** What the operator wants. */
export interface DrainOrder {
  /** Servers as `service/address` or `service/address:port`. */
  readonly servers: readonly string[];
  /** Put them back, in place of taking them out. */
  readonly isBack: boolean;
  /** How long connections that are open may go on. */
  readonly withinMs: number;
}

/** What became of one server. */
export interface DrainOutcome {
  readonly name: string;
  /** Sentence fragment that a person can read, such as `draining: 3 connections left`. */
  readonly text: string;
}

/** What became of an order. */
export interface DrainReport {
  readonly outcomes: readonly DrainOutcome[];
  /** Why nothing was done, such as an unknown server; null if it was. */
  readonly refusal: string | null;
}
