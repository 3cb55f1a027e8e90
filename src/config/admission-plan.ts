import type { HashSource } from "./upstream-policy.ts";

/** Whom a route lets in, and how often. */
export interface AdmissionPlan {
  readonly basicAuth: BasicAuthPlan | null;
  readonly rateLimit: RateLimitPlan | null;
  readonly connectionLimit: ConnectionLimitPlan | null;
}

/** Users and their passwords. What stands in the file goes beside the plan, which may be shown. */
export interface BasicAuthPlan {
  /** Path of the file of users. */
  readonly users: string;
  readonly realm: string;
}

/** How often a key may ask. */
export interface RateLimitPlan {
  /** Those of one site or route count together, also over a reload. */
  readonly id: string;
  readonly intervalMs: number;
  readonly burst: number;
  /** Whether those of the burst wait for their turn. */
  readonly delays: boolean;
  readonly key: LimitKeyPlan;
}

/** How many requests a key may have open. */
export interface ConnectionLimitPlan {
  /** As of a rate limit. */
  readonly id: string;
  /** Requests and WebSockets, in all processes together. */
  readonly connections: number;
  /** What one more is answered with. */
  readonly status: number;
  readonly key: LimitKeyPlan;
}

/** What is counted apart; `all` is nothing. */
export type LimitKeyPlan =
  | { readonly kind: "source" }
  | { readonly kind: "host" }
  | { readonly kind: "all" }
  | HashSource;
