import type { RetryRules, UpstreamFault } from "../config/upstream-policy.ts";
import type { HttpServer } from "./http-server.ts";
import type { RequestHead } from "./http1/request-head.ts";
import type { RequestKey } from "./request-key.ts";
import { allowsRetry, hasTryLeft } from "./retries.ts";
import type { Route } from "./snapshot.ts";
import type { Upstream } from "./upstream.ts";

/** Methods that do no more when they are asked for twice (RFC 9110 §9.2.2). */
export const idempotent: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

const safe: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Tells whether a request may be with two servers at once: it asks only, and brings no body (RFC 9110 §9.2.1). */
export function mayHedge({ method, bodyLength, webSocketKey }: RequestHead): boolean {
  return bodyLength === 0 && webSocketKey === null && safe.has(method);
}

/** What has become of a request so far, once a server has failed it. */
export class Tries {
  /** Servers that are not asked again. */
  readonly tried: HttpServer[] = [];
  /** What the client gets if nobody else is asked. */
  status: 502 | 504 = 502;
  private readonly upstream: Upstream;
  private readonly rules: RetryRules;
  private readonly startedAt: number;

  /** `startedAt` is when the first server was asked, in milliseconds of the monotonic clock. */
  constructor({ retries, upstream }: Pick<Route, "retries" | "upstream">, startedAt: number) {
    this.upstream = upstream;
    this.rules = retries;
    this.startedAt = startedAt;
  }

  /**
   * Notes a failure that would be answered with `status`; true if another server may be asked. A connection that failed has
   * cost no server anything, so it is not paid for.
   */
  failed(server: HttpServer, fault: UpstreamFault, status: 502 | 504, now: number): boolean {
    if (status === 504) this.status = 504;
    const made = this.tried.push(server);
    const { rules, upstream } = this;
    if (!allowsRetry(rules, { fault, made, startedAt: this.startedAt, now })) return false;
    return fault === "connect" || upstream.state.budget.take(now);
  }

  /** Notes a status that may be answered by another server instead, and gives that server; null to pass it on. */
  insteadOf(
    server: HttpServer,
    status: number,
    { now, key }: { readonly now: number; readonly key: RequestKey },
  ): HttpServer | null {
    if (!this.rules.on.includes(status)) return null;
    const other = this.beside(server, { now, key });
    if (other !== null) this.tried.push(server);
    return other;
  }

  /** Gives another server than this one that is being asked; null if there is none, or none that is paid for. */
  beside(
    server: HttpServer,
    { now, key }: { readonly now: number; readonly key: RequestKey },
  ): HttpServer | null {
    const { upstream } = this;
    const attempts = { made: this.tried.length + 1, startedAt: this.startedAt, now };
    if (!hasTryLeft(this.rules, attempts)) return null;
    const other = upstream.choose(key, [...this.tried, server]);
    return other === null || !upstream.state.budget.take(now) ? null : other;
  }
}
