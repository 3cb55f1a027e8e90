import { formatEndpoint } from "../base/address.ts";
import type { Engine } from "./engine.ts";
import type { HttpServer } from "./http-server.ts";
import type { ForwardedBy } from "./headers.ts";
import type { FieldTable } from "./http1/field-table.ts";
import type { ResponseHead } from "./http1/response-head.ts";
import type { SentHead } from "./sent-head.ts";
import type { BodyPiece } from "./body-piece.ts";
import type { SwitchedUpstream, UpstreamFailure, UpstreamStream, UpstreamUser } from "./upstream-stream.ts";

/** The exchange that asks a second server. */
export interface Hedged extends UpstreamUser {
  /** The second server answers before the first: its stream takes the place of the first one's. */
  hedgeAnswers(): void;
  /** The second server has failed, and counts no more. */
  hedgeFailed(server: HttpServer): void;
}

/** What a hedge asks, and whom. */
export interface HedgeOptions {
  readonly engine: Engine;
  readonly exchange: Hedged;
  readonly server: HttpServer;
  /** A head without a body. */
  readonly sentHead: SentHead;
  readonly by: ForwardedBy;
}

/**
 * A request without a body that was sent to a second server because the first one is silent. Whoever answers first is
 * heard; once that is the second, or the first has failed, everything that comes from it goes to the exchange.
 */
export class Hedge implements UpstreamUser {
  readonly method: string;
  readonly wantsSocket = false;
  readonly server: HttpServer;
  readonly startedAt: number = performance.now();
  /** When there was a connection, in milliseconds of the monotonic clock; null before. */
  connectedAt: number | null = null;
  private readonly engine: Engine;
  private readonly exchange: Hedged;
  private readonly sentHead: SentHead;
  private readonly by: ForwardedBy;
  private upstream: UpstreamStream | null = null;
  private isLeading = false;

  constructor({ engine, exchange, server, sentHead, by }: HedgeOptions) {
    this.engine = engine;
    this.exchange = exchange;
    this.method = exchange.method;
    this.server = server;
    this.sentHead = sentHead;
    this.by = by;
  }

  /** Bytes that went to the server while nobody else had its stream. */
  get sentBytes(): number {
    return this.connectedAt === null ? 0 : this.sentHead.length;
  }

  /** Sends the request as soon as there is a connection. */
  begin(): void {
    const { by, server } = this;
    const idle = server.pool.take(by);
    this.upstream = idle ?? server.pool.open(this, by);
    if (idle === null) return;
    idle.use(this);
    this.upstreamReady();
  }

  /** Gives its stream up to the exchange, which hears of everything from now on. */
  lead(): UpstreamStream | null {
    this.isLeading = true;
    return this.upstream;
  }

  /** Nobody waits for this answer any more. */
  cancel(): void {
    this.upstream?.discard();
    this.upstream = null;
  }

  upstreamReady(): void {
    if (this.isLeading) return this.exchange.upstreamReady();
    this.connectedAt = performance.now();
    this.upstream?.sendRequest(this.sentHead, false, null, true);
  }

  upstreamMoved(isSent: boolean): void {
    if (this.isLeading) this.exchange.upstreamMoved(isSent);
  }

  upstreamDrained(): void {
    if (this.isLeading) this.exchange.upstreamDrained();
  }

  interimArrived(head: ResponseHead, fields: FieldTable): void {
    if (this.isLeading) this.exchange.interimArrived(head, fields);
  }

  switchArrived(switched: SwitchedUpstream): void {
    if (!this.isLeading) this.exchange.hedgeAnswers();
    this.exchange.switchArrived(switched);
  }

  headArrived(head: ResponseHead, fields: FieldTable, piece: BodyPiece, isLast: boolean): void {
    if (!this.isLeading && head.status >= 500) {
      this.server.pool.health?.answered(head.status);
      this.cancel();
      this.exchange.hedgeFailed(this.server);
      return;
    }
    if (!this.isLeading) this.exchange.hedgeAnswers();
    this.exchange.headArrived(head, fields, piece, isLast);
  }

  bodyArrived(piece: BodyPiece, isLast: boolean): void {
    this.exchange.bodyArrived(piece, isLast);
  }

  upstreamFailed(failure: UpstreamFailure, detail: string): void {
    const { engine, exchange, server } = this;
    const isClosed = failure === "closed" || failure === "unheard";
    const isStale = isClosed && this.upstream?.isReused === true;
    this.upstream = null;
    if (this.isLeading) return exchange.upstreamFailed(failure, detail);
    engine.log.debug(`${formatEndpoint(server.endpoint)}: ${detail}`);
    exchange.hedgeFailed(server);
    if (isStale) return; // it timed the idle connection out, which is no fault
    server.pool.health?.failed(failure === "connect" ? "connect" : "closed");
    engine.suspects.add(server.probe);
  }
}
