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

/** What an upstream does beside taking turns. */
export interface UpstreamPolicy {
  readonly balance: UpstreamBalance;
  /** Of `consistent-hash`, else null. */
  readonly hash: HashSource | null;
  /** How many times its share of requests a server may have at most, of `consistent-hash`. */
  readonly hashBound: number;
  readonly sticky: StickyPlan | null;
}
