/** Whom a route lets in, and how often. */
export interface AdmissionPlan {
  readonly basicAuth: BasicAuthPlan | null;
  readonly rateLimit: RateLimitPlan | null;
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
  readonly key: RateKeyPlan;
}

/** What is counted apart. */
export type RateKeyPlan =
  | { readonly kind: "source" }
  | { readonly kind: "path" }
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "cookie"; readonly name: string };
