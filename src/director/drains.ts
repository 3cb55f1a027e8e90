import type { DrainTarget } from "../ipc/drain-target.ts";
import type { DrainState } from "./moment.ts";

/** A server that the operator has taken out of a service. */
export interface Drain extends DrainTarget {
  /** Times of day, ISO 8601: they outlive this process and this boot. */
  readonly since: string;
  /** When connections that are still open are given up. */
  readonly until: string;
  readonly state: DrainState;
  /** Connections that were still open when the time was up; 0 before that. */
  readonly cut: number;
}
