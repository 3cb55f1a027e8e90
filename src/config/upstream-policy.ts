/** How the servers of an upstream are chosen. */

/** Who gets a request, in the words of the file. */
export type UpstreamBalance =
  | "round-robin"
  | "least-connections"
  | "random"
  | "two-choices"
  | "source-hash"
  | "consistent-hash"
  | "first";

/** What of a request is hashed; names are in lower case but for cookies and parameters, where case matters. */
export type HashSource =
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "cookie"; readonly name: string }
  | { readonly kind: "query"; readonly name: string }
  | { readonly kind: "uri" }
  | { readonly kind: "path" };

/** A cookie that keeps a client with its server. */
export interface StickyPlan {
  readonly cookie: string;
  /** What its values are signed with. */
  readonly secret: string;
  /** How long the client keeps it; null is as long as its browser runs. */
  readonly ttlMs: number | null;
  readonly path: string;
  readonly isSecure: boolean;
  readonly isHttpOnly: boolean;
  readonly sameSite: "lax" | "strict" | "none" | null;
}

/**
 * What a server can fail a request with: it takes no connection, ends it without an answer, does not answer in time; or
 * answers with a status that counts as a failure.
 */
export type UpstreamFault = "connect" | "closed" | "timeout" | number;

/** When a server that fails requests is left alone for a while. */
export interface EjectionPlan {
  /** So many in a row. */
  readonly failures: number;
  /** The first and the last of them are not further apart than this. */
  readonly windowMs: number;
  /** For how long at first; each time again it is twice as long. */
  readonly timeMs: number;
  readonly mostTimeMs: number;
  /** Of the upstream's servers, how many in a hundred may be ejected at a time. */
  readonly mostPercent: number;
  readonly on: readonly UpstreamFault[];
}

/** When a request goes to another server. */
export interface RetryRules {
  /** How many servers are asked at most; null is each one. */
  readonly tries: number | null;
  /** How long after its start no other try begins; null is never too late. */
  readonly timeoutMs: number | null;
  readonly on: readonly UpstreamFault[];
  /** After so long without an answer a second server is asked beside the first; null asks none. */
  readonly hedgeMs: number | null;
}

/** And how many of them there may be. */
export interface RetriesPlan extends RetryRules {
  /** Tries for each request, from 0 to 1, that were sent before. */
  readonly budget: number;
}

/** Requests that wait until a server has room. */
export interface QueuePlan {
  readonly length: number;
  readonly timeoutMs: number;
}

/** What an upstream does beside taking turns. */
export interface UpstreamPolicy {
  readonly balance: UpstreamBalance;
  /** Of `consistent-hash`, else null. */
  readonly hash: HashSource | null;
  /** How many times its share of requests a server may have at most, of `consistent-hash`. */
  readonly hashBound: number;
  readonly sticky: StickyPlan | null;
  /** Null ejects nobody. */
  readonly ejection: EjectionPlan | null;
  readonly retries: RetriesPlan;
  /** Null refuses what no server has room for. */
  readonly queue: QueuePlan | null;
}
