import type { Prefix } from "../base/address.ts";

/** What of a site's answers is made here. What stands in the files goes beside the plan. */
export interface ContentPlan {
  readonly errorPages: ErrorPagesPlan | null;
  readonly maintenance: MaintenancePlan | null;
  readonly files: FilesPlan | null;
  readonly cache: CachePlan | null;
  readonly compression: CompressionPlan | null;
}

/** Pages in place of errors. */
export interface ErrorPagesPlan {
  /** A status or a class such as `5xx`, and the path of the page. */
  readonly pages: readonly (readonly [status: string, path: string])[];
  /** Whether errors of the servers are replaced, too. */
  readonly intercepts: boolean;
}

/** Requests get 503 and reach no server. */
export interface MaintenancePlan {
  /** Path of the page; null shows the usual one. */
  readonly page: string | null;
  /** What Retry-After says, in seconds; null leaves it out. */
  readonly retryAfterS: number | null;
  /** Who gets through all the same. */
  readonly allow: readonly Prefix[];
}

/** A folder whose files are answered from memory. */
export interface FilesPlan {
  readonly root: string;
  /** The requests it is for: all below this path, which ends in `/`. */
  readonly path: string;
}

/** A folder that all processes of the node keep answers in, and how much; whoever names the same shares it. */
export interface DiskCachePlan {
  readonly path: string;
  readonly bytes: number;
}

/** Answers of servers are kept in memory and given to others, after RFC 9111. */
export interface CachePlan {
  /** Longer bodies are not kept. */
  readonly maxObjectBytes: number;
  /** How long an answer is fresh that does not say so itself; 0 keeps none of these. */
  readonly ttlMs: number;
  /** Where the answer says nothing of it. */
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** How long requests wait for another that fetches the same. */
  readonly lockTimeoutMs: number;
  /** Null keeps answers in memory only. */
  readonly disk: DiskCachePlan | null;
}

/** A content coding that answers can be sent in (RFC 9110 §8.4.1, RFC 7932, RFC 8878). */
export type Coding = "gzip" | "br" | "zstd";

/** Answers are encoded for clients that take it. */
export interface CompressionPlan {
  /** Of two that a client likes alike the first. */
  readonly codings: readonly Coding[];
  /** Media types in lower case; `text/*` is all that begin so. */
  readonly types: readonly string[];
  /** Shorter bodies stay as they are. */
  readonly minBytes: number;
  /** As each coding counts them: higher ones are smaller and take longer. */
  readonly levels: Readonly<Record<Coding, number>>;
}

/** Everything is the servers' own. */
export const noContent: ContentPlan = {
  errorPages: null,
  maintenance: null,
  files: null,
  cache: null,
  compression: null,
};
