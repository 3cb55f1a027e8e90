import { afterWaits } from "./admission/gate.ts";
import type { Answer } from "./answer.ts";
import { formatEndpoint } from "../base/address.ts";
import { clientStallMs, type Engine } from "./engine.ts";
import type { Waiting } from "./decide.ts";
import type { ForwardedBy, HeaderRules } from "./headers.ts";
import { paged, type ErrorPages } from "./content/error-pages.ts";
import type { UpstreamTrace } from "./upstream-trace.ts";
import type { FieldTable } from "./http1/field-table.ts";
import { chunkedBody, type RequestHead } from "./http1/request-head.ts";
import type { ResponseHead } from "./http1/response-head.ts";
import type { HttpServer } from "./http-server.ts";
import type { RequestKey } from "./request-key.ts";
import type { Route } from "./snapshot.ts";
import type {
  BodyPiece,
  SwitchedUpstream,
  UpstreamFailure,
  UpstreamStream,
  UpstreamUser,
} from "./upstream-connection.ts";

/** How a response begins; the fields are valid during the call only. */
export interface ResponseStart {
  readonly head: ResponseHead;
  readonly fields: FieldTable;
  readonly rules: HeaderRules;
}

/** What takes a response: the client, or what changes the response on its way there. */
export interface ResponseSink {
  /** Takes the final head with the part of the body that came along; true if it takes more at once. */
  sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean;
  /** Takes more of the body; true if it takes more at once. */
  sendBody(piece: BodyPiece, isLast: boolean): boolean;
}

/** The client's side of an exchange. */
export interface ExchangeClient extends ResponseSink {
  /** Whether bytes wait for the client to read. */
  readonly isBlocked: boolean;
  /** Takes a 1xx response, which is left out where the client could not understand it (RFC 9110 §15.2). */
  sendInterim(head: ResponseHead, fields: FieldTable): void;
  /** Asks for the body that the client holds back (RFC 9110 §10.1.1). */
  sendContinue(): void;
  /** Gives the next piece of the request body that has arrived, or null; it counts as sent. */
  takeBody(): BodyPiece | null;
  /** Whether the whole body was taken. */
  isBodyDone(): boolean;
  /** Whether any of it was taken: then the request cannot be sent again. */
  isBodyTouched(): boolean;
  pauseReading(): void;
  resumeReading(): void;
  /** Answers for the proxy, with one of these pages if there is one; nothing has been sent to the client yet. */
  answer(status: number, pages: ErrorPages | null): void;
  /** The same with an answer that is ready. */
  answerWith(answer: Answer): void;
  /** The response is complete. */
  exchangeDone(status: number): void;
  /** The response cannot be completed, and the client has to see that; one that is `stalled` is not waited for. */
  abort(status: number, isStalled: boolean): void;
  /** The server accepted the WebSocket: the sockets become a tunnel, which may be silent for `idleMs`. */
  openTunnel(from: SwitchedUpstream, idleMs: number): boolean;
}

const never = Number.POSITIVE_INFINITY;
const idempotent: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]); // RFC 9110 §9.2.2

/**
 * One request and its response. It chooses a server, sends, streams both bodies, and tries another server where that
 * cannot do harm:
 * - not connected: the next server, whatever the method, for nothing was sent;
 * - closed before a byte of response came: again, if the method is idempotent and no body was sent (RFC 9110 §9.2.2);
 * - else 502, or 504 for what took too long.
 */
export class Exchange implements UpstreamUser {
  readonly method: string;
  private readonly engine: Engine;
  private readonly client: ExchangeClient;
  private readonly route: Route;
  private readonly head: RequestHead;
  private readonly headText: string;
  private readonly by: ForwardedBy;
  private readonly key: RequestKey;
  private readonly sink: ResponseSink;
  private readonly trace: UpstreamTrace | null;
  private upstream: UpstreamStream | null = null;
  private server: HttpServer | null = null;
  private tried: HttpServer[] | null = null;
  private isConnected = false;
  private hasSent = false;
  private isRequestSent = false;
  private hasTimedOut = false;
  private hasRetriedStale = false;
  private hasSentContinue = false;
  private isDone = false;
  private status = 0;
  private connectBy = never;
  private sendBy = never;
  private bodyBy = never;
  private readBy = never;
  private clientBy = never;

  constructor(o: {
    readonly engine: Engine;
    readonly client: ExchangeClient;
    readonly route: Route;
    readonly head: RequestHead;
    readonly headText: string;
    /** Who asks. */
    readonly by: ForwardedBy;
    /** As the route's upstream reads it. */
    readonly key: RequestKey;
    /** Where the response goes: the client, or what stands before it. */
    readonly sink: ResponseSink;
    /** Notes which servers are asked, and when; null if nobody wants to know. */
    readonly trace?: UpstreamTrace | null;
  }) {
    this.engine = o.engine;
    this.client = o.client;
    this.route = o.route;
    this.head = o.head;
    this.headText = o.headText;
    this.by = o.by;
    this.key = o.key;
    this.sink = o.sink;
    this.trace = o.trace ?? null;
    this.method = o.head.method;
  }

  /** Whether any of the final response has gone to the client. */
  get hasBegun(): boolean {
    return this.status >= 200;
  }

  get wantsSocket(): boolean {
    return this.head.webSocketKey !== null;
  }

  /** Starts at once, or when everything that is waited for lets the request pass; what comes of its body meanwhile stays unread. */
  begin(decision: Route | Waiting): void {
    if (!("waits" in decision)) {
      this.start();
      return;
    }
    afterWaits(decision.waits, {
      isGone: () => this.isDone,
      pass: () => this.start(),
      answerWith: (answer) => this.answerWith(answer),
    });
  }

  /** Chooses a server and sends the request as soon as there is a connection. */
  private start(): void {
    const server = this.route.upstream.choose(this.key, this.tried);
    this.server = server;
    if (server === null) {
      this.answer(this.tried === null ? 503 : this.hasTimedOut ? 504 : 502);
      return;
    }
    this.trace?.began(formatEndpoint(server.endpoint));
    const idle = this.hasRetriedStale ? null : server.pool.take(this.by);
    if (idle === null) {
      this.isConnected = false;
      this.connectBy = this.engine.sweep.after(this.route.plan.connectTimeoutMs);
      this.upstream = server.pool.open(this, this.by);
      return;
    }
    this.upstream = idle;
    idle.use(this);
    this.upstreamReady();
  }

  /** More of the request body has arrived, or its end. */
  bodyArrivedFromClient(): void {
    if (this.isConnected && !this.isRequestSent) this.sendBody();
    else if (!this.isRequestSent) this.client.pauseReading();
  }

  /** The client takes bytes again. */
  clientDrained(): void {
    this.clientBy = never;
    this.startReadTimeout();
    this.upstream?.resume();
  }

  /** The client is gone, or its request is broken: nobody waits for the response. */
  cancel(): void {
    this.isDone = true;
    this.upstream?.discard();
    this.upstream = null;
  }

  /** Acts on deadlines. */
  sweep(now: number): void {
    if (now >= this.connectBy) {
      this.hasTimedOut = true;
      this.trace?.ended(504);
      this.server?.pool.failedRequest();
      this.retryElsewhere();
    } else if (now >= this.sendBy || now >= this.readBy) {
      this.giveUp(504);
    } else if (now >= this.bodyBy) {
      this.giveUp(408);
    } else if (now >= this.clientBy) {
      this.cancel();
      this.client.abort(this.status, true);
    }
  }

  upstreamReady(): void {
    this.connectBy = never;
    this.isConnected = true;
    this.trace?.connected();
    const { upstream } = this;
    if (upstream === null) return;
    const piece = this.client.takeBody();
    if (this.isDone) return; // the body was refused
    const isLast = this.client.isBodyDone();
    this.hasSent = upstream.sendRequest(this.headText, this.head.bodyLength === chunkedBody, piece, isLast);
    this.afterSending(upstream, isLast);
    if (!isLast) this.sendContinue();
  }

  upstreamDrained(): void {
    this.sendBy = never;
    if (this.client.isBodyDone()) this.requestSent();
    else {
      this.client.resumeReading();
      this.sendBody();
    }
  }

  interimArrived(head: ResponseHead, fields: FieldTable): void {
    this.startReadTimeout();
    // 100 answers our own Expect, which we never send.
    if (head.status !== 100 && !this.client.isBlocked) this.client.sendInterim(head, fields);
  }

  switchArrived(switched: SwitchedUpstream): void {
    this.status = 101;
    this.trace?.answered(101);
    const idleMs = this.route.plan.readTimeoutMs;
    if (this.head.webSocketKey !== null && this.client.openTunnel(switched, idleMs)) {
      this.isDone = true;
      this.upstream = null;
    } else {
      this.giveUp(502);
    }
  }

  headArrived(head: ResponseHead, fields: FieldTable, piece: BodyPiece, isLast: boolean): void {
    this.status = head.status;
    this.trace?.answered(head.status);
    const { rules, upstream } = this.route;
    const start = { head, fields, rules: upstream.rulesFor(rules, this.server, this.key) };
    this.afterReceiving(this.sink.sendResponse(start, piece, isLast), isLast);
  }

  bodyArrived(piece: BodyPiece, isLast: boolean): void {
    this.afterReceiving(this.sink.sendBody(piece, isLast), isLast);
  }

  upstreamFailed(failure: UpstreamFailure, detail: string): void {
    const isReused = this.upstream?.isReused === true;
    this.upstream = null;
    if (this.isDone) return;
    this.engine.log.debug(`${this.server?.endpoint.address}:${this.server?.endpoint.port}: ${detail}`);
    if (this.status !== 0) {
      this.giveUp(502);
    } else if (failure === "connect") {
      this.retryElsewhere();
    } else if (failure === "closed" && this.maySendAgain()) {
      if (isReused && !this.hasRetriedStale) {
        this.hasRetriedStale = true; // the server timed the idle connection out: it deserves a fresh one
        this.start();
      } else {
        this.retryElsewhere();
      }
    } else {
      this.giveUp(502);
    }
  }

  private maySendAgain(): boolean {
    if (this.client.isBodyTouched()) return false;
    return !this.hasSent || idempotent.has(this.method);
  }

  private retryElsewhere(): void {
    this.upstream?.discard();
    this.upstream = null;
    this.connectBy = never;
    this.sendBy = never;
    this.readBy = never;
    if (this.server !== null) (this.tried ??= []).push(this.server);
    this.start();
  }

  private sendBody(): void {
    const { upstream } = this;
    if (upstream === null) return;
    if (upstream.isBlocked) {
      this.client.pauseReading();
      return;
    }
    const piece = this.client.takeBody();
    const isLast = this.client.isBodyDone();
    if (piece === null) return;
    upstream.sendBody(piece, isLast);
    this.afterSending(upstream, isLast);
  }

  private afterSending(upstream: UpstreamStream, isLast: boolean): void {
    this.bodyBy = never;
    if (upstream.isBlocked) {
      this.sendBy = this.engine.sweep.after(this.route.plan.sendTimeoutMs);
      this.client.pauseReading();
    } else if (isLast) {
      this.requestSent();
    } else {
      this.bodyBy = this.engine.sweep.after(clientStallMs);
      this.client.resumeReading();
    }
  }

  private requestSent(): void {
    this.isRequestSent = true;
    this.startReadTimeout();
  }

  private startReadTimeout(): void {
    this.readBy = this.isRequestSent ? this.engine.sweep.after(this.route.plan.readTimeoutMs) : never;
  }

  private sendContinue(): void {
    if (!this.head.expectsContinue || this.hasSentContinue || this.client.isBodyTouched()) return;
    this.hasSentContinue = true;
    this.client.sendContinue();
  }

  private afterReceiving(isTaken: boolean, isLast: boolean): void {
    if (isLast) {
      this.finish();
    } else if (isTaken) {
      this.startReadTimeout();
    } else {
      this.readBy = never;
      this.clientBy = this.engine.sweep.after(clientStallMs);
      this.upstream?.pause();
    }
  }

  private finish(): void {
    this.isDone = true;
    this.upstream?.release(this.isRequestSent);
    this.upstream = null;
    this.client.exchangeDone(this.status);
  }

  private giveUp(status: number): void {
    const { hasBegun } = this;
    this.cancel();
    if (!hasBegun) this.client.answer(status, this.route.errorPages);
    else this.client.abort(this.status, false);
  }

  private answer(status: number): void {
    this.isDone = true;
    this.client.answer(status, this.route.errorPages);
  }

  private answerWith(answer: Answer): void {
    this.isDone = true;
    this.client.answerWith(paged(this.route.errorPages, answer));
  }
}
