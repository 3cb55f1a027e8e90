import type { Endpoint, Family } from "../base/address.ts";

/** Names of servers that are looked up again and again, and what was found. */

/** One name that the `director` looks up for one upstream. */
export interface LookupPlan {
  /** The upstream and the name: what was found outlasts a reload that changes nothing but how to ask. */
  readonly id: string;
  readonly upstream: string;
  /** Absolute, in lower case, without the last dot. */
  readonly name: string;
  /** Whether SRV records (RFC 2782) say where the servers are, or addresses. */
  readonly kind: "srv" | "address";
  /** Of addresses. */
  readonly families: readonly Family[];
  /** Name servers in their order; empty is those of the host. */
  readonly resolvers: readonly Endpoint[];
  /** For each question to each name server. */
  readonly timeoutMs: number;
  /** How often all name servers are gone through. */
  readonly tries: number;
  /** What a time to live is raised and lowered to. */
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  /** How long after its time what was found stays in use while nothing new can be found; null is until it can. */
  readonly keepMs: number | null;
  /** Of more servers than this the rest is left out. */
  readonly mostServers: number;
}

/** A server that a name stands for. */
export interface FoundServer {
  readonly address: string;
  /** Null where only addresses are looked up. */
  readonly srv: SrvWords | null;
}

/** What a SRV record says of its servers. */
export interface SrvWords {
  readonly port: number;
  /** Those with the lowest are used; the others are backups. */
  readonly priority: number;
  readonly weight: number;
  /** The host's name. */
  readonly target: string;
}

/** What was found for one lookup. */
export interface FoundName {
  readonly lookup: string;
  readonly servers: readonly FoundServer[];
}
