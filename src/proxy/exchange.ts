import { afterWaits } from "./admission/gate.ts";
import { plainAnswer, type Answer } from "./answer.ts";
import { formatEndpoint } from "../base/address.ts";
import type { ExchangeClient, ExchangeOptions, ResponseSink } from "./exchange-client.ts";
import type { Engine } from "./engine.ts";
import type { Waiting } from "./decide.ts";
import type { ForwardedBy } from "./headers.ts";
import { Hedge, type Hedged } from "./hedge.ts";
import { ownAnswer } from "./own-answer.ts";
import type { UpstreamTrace } from "./upstream-trace.ts";
import type { FieldTable } from "./http1/field-table.ts";
import type { RequestHead } from "./http1/request-head.ts";
import type { ResponseHead } from "./http1/response-head.ts";
import type { HttpServer } from "./http-server.ts";
import type { RequestKey } from "./request-key.ts";
import { bodySent } from "./response-change.ts";
import { RequestSender, type SentRequest } from "./request-sender.ts";
import type { Route } from "./snapshot.ts";
import { mayHedge, Tries } from "./tries.ts";
import { patienceMs } from "./slots/slot-holding.ts";
import type { UpstreamState } from "./upstream-state.ts";
import type { QueuedRequest } from "./waiting-line.ts";
import type { BodyPiece } from "./body-piece.ts";
import type { SwitchedUpstream, UpstreamFailure, UpstreamStream } from "./upstream-stream.ts";

type Fault = "connect" | "closed" | "timeout";

const never = Number.POSITIVE_INFINITY;

/**
 * One request and its response. It chooses a server, or waits until one has room, sends, streams both bodies, and tries
 * another server where the upstream's rules allow it and it cannot do harm:
 * - not connected, or certainly closed before anything of the request was there: the next server, whatever the method;
 * - closed or too late before a byte of response came, or answered with a status that counts as a failure: again, if the
 *   method is idempotent (RFC 9110 §9.2.2);
 * - either only while all of the body is there to be sent again: none of it was taken, or it is short and came at once;
 * - else 502, or 504 for what took too long.
 * Where the upstream hedges, a second server is asked beside one that is silent, and whoever answers first is heard.
 */
export class Exchange implements Hedged, QueuedRequest, SentRequest {
  readonly method: string;
  private readonly engine: Engine;
  private readonly client: ExchangeClient;
  private readonly route: Route;
  private readonly head: RequestHead;
  private readonly sender: RequestSender;
  private readonly by: ForwardedBy;
  private readonly key: RequestKey;
  private readonly sink: ResponseSink;
  private readonly trace: UpstreamTrace | null;
  private upstream: UpstreamStream | null = null;
  private server: HttpServer | null = null;
  private tries: Tries | null = null;
  private hedge: Hedge | null = null;
  private startedAt = 0;
  private isConnected = false;
  private hasRetriedStale = false;
  private isDone = false;
  private status = 0;
  private queueBy = never;
  private connectBy = never;
  private readBy = never;
  private hedgeBy = never;

  constructor(o: ExchangeOptions) {
    this.engine = o.engine;
    this.client = o.client;
    this.route = o.route;
    this.head = o.head;
    this.sender = new RequestSender(o, this);
    this.by = o.by;
    this.key = o.key;
    this.sink = o.sink;
    this.trace = o.trace ?? null;
    this.method = o.head.method;
  }

  get isOver(): boolean {
    return this.isDone;
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
    if (!("waits" in decision)) return this.start();
    const { waits } = decision;
    const pass = (): void => this.start();
    afterWaits(waits, { isGone: () => this.isDone, pass, answerWith: (answer) => this.answerWith(answer) });
  }

  /** Chooses a server, behind those who wait already, and sends the request as soon as there is a connection. */
  private start(): void {
    const { state } = this.route.upstream;
    this.startedAt = this.engine.sweep.now;
    state.budget.pay();
    if (state.queue.length > 0 && this.waitFor(state)) return;
    this.goOn();
  }

  get isAwaitingBody(): boolean {
    return this.sender.awaitsBody && !this.isDone;
  }

  /** Whether it waits until a server has room. */
  get isWaiting(): boolean {
    return this.queueBy !== never;
  }

  proceed(): boolean {
    const server = this.route.upstream.choose(this.key, this.tries?.tried ?? null);
    if (server === null) return false;
    this.queueBy = never;
    this.askServer(server);
    return true;
  }

  private goOn(): void {
    const { upstream } = this.route;
    const tried = this.tries?.tried ?? null;
    const server = upstream.choose(this.key, tried);
    if (server !== null) this.askServer(server);
    else if (!upstream.isFull(tried)) this.answerWith(plainAnswer(this.tries?.status ?? 503));
    else if (!this.waitFor(upstream.state)) this.answerWith(plainAnswer(503));
  }

  private waitFor(state: UpstreamState): boolean {
    if (!state.join(this)) return false;
    this.queueBy = this.engine.sweep.after(this.route.upstream.plan.queue?.timeoutMs ?? patienceMs);
    return true;
  }

  private askServer(server: HttpServer): void {
    this.server = server;
    this.trace?.began(this.route.upstream.plan.name, formatEndpoint(server.endpoint));
    const idle = this.hasRetriedStale ? null : server.pool.take(this.by, this.sender.isOnce);
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
    const { sender, upstream } = this;
    if (sender.isComplete) return;
    if (!this.isConnected) this.client.pauseReading();
    else if (upstream !== null) sender.sendBody(upstream);
  }

  /** The client takes bytes again. */
  clientDrained(): void {
    this.startReadTimeout();
    this.upstream?.resume();
  }

  /** The client is gone, or its request is broken: nobody waits for the response. */
  cancel(): void {
    this.isDone = true;
    if (this.isWaiting) this.route.upstream.state.queue.leave(this);
    this.dropHedge();
    this.upstream?.discard();
    this.upstream = null;
    this.sink.dropped?.();
  }

  /** Acts on deadlines. */
  sweep(now: number): void {
    if (now >= this.connectBy) {
      this.server?.pool.failedRequest();
      this.serverFailed("connect", 504);
    } else if (now >= this.queueBy) {
      this.refuse(503);
    } else if (now >= this.sender.sendBy || now >= this.readBy) {
      if (this.hasBegun) this.refuse(504);
      else this.serverFailed("timeout", 504);
    } else if (now >= this.hedgeBy) {
      this.askBeside(now);
    }
  }

  upstreamReady(): void {
    this.connectBy = never;
    this.isConnected = true;
    this.trace?.connected();
    if (this.upstream !== null) this.sender.begin(this.upstream);
  }

  upstreamMoved(isSent: boolean): void {
    if (this.upstream !== null) this.sender.moved(this.upstream, isSent);
    this.readBy = never;
    this.connectBy = isSent ? never : this.engine.sweep.after(this.route.plan.connectTimeoutMs);
  }

  upstreamDrained(): void {
    if (this.upstream !== null) this.sender.drained(this.upstream);
  }

  /** The whole request is with the server. */
  requestSent(): void {
    this.startReadTimeout();
    const { hedgeMs } = this.route.retries;
    if (hedgeMs !== null && this.status === 0 && mayHedge(this.head))
      this.hedgeBy = this.engine.sweep.after(hedgeMs);
  }

  interimArrived(head: ResponseHead, fields: FieldTable): void {
    this.startReadTimeout();
    // 100 answers our own Expect, which we never send.
    if (head.status !== 100 && !this.client.isBlocked) this.client.sendInterim(head, fields);
  }

  switchArrived(switched: SwitchedUpstream): void {
    this.status = 101;
    this.trace?.answered(101, switched.fields, null);
    if (this.head.webSocketKey !== null && this.client.openTunnel(switched, this.route.plan.readTimeoutMs)) {
      this.isDone = true;
      this.upstream = null;
    } else {
      this.refuse(502);
    }
  }

  headArrived(head: ResponseHead, fields: FieldTable, piece: BodyPiece, isLast: boolean): void {
    this.server?.pool.health?.answered(head.status);
    this.trace?.answered(head.status, fields, piece);
    if (head.status >= 500 && this.asksAnother(head.status, isLast)) return;
    this.dropHedge();
    if (this.head.needsTunnel && head.status < 300) return this.refuse(502);
    this.status = head.status;
    this.sender.forget();
    const rules = this.route.upstream.rulesFor(this.route.rules, this.server, this.key);
    this.afterReceiving(this.sink.sendResponse({ head, fields, rules }, piece, isLast), isLast);
  }

  bodyArrived(piece: BodyPiece, isLast: boolean): void {
    this.trace?.received(piece);
    const isTaken = bodySent(this.sink, piece, isLast, this.engine.log);
    if (isTaken === null) this.refuse(502);
    else this.afterReceiving(isTaken, isLast);
  }

  upstreamFailed(failure: UpstreamFailure, detail: string): void {
    const isReused = this.upstream?.isReused === true;
    this.upstream = null;
    if (this.isDone) return;
    this.engine.log.debug(`${this.server?.endpoint.address}:${this.server?.endpoint.port}: ${detail}`);
    const isClosed = failure === "closed" || failure === "unheard";
    if (failure === "unheard") this.sender.hasSent = false;
    if (this.status !== 0) this.refuse(502);
    else if (isClosed && isReused && !this.hasRetriedStale && this.sender.mayRepeat) {
      this.hasRetriedStale = true; // the server timed the idle connection out: it deserves a fresh one
      if (this.followHedge()) return;
      this.leaveServer();
      this.goOn();
    } else {
      this.serverFailed(failure === "connect" ? "connect" : "closed", 502, failure !== "protocol");
    }
  }

  hedgeAnswers(): void {
    this.trace?.overtaken();
    this.followHedge();
  }

  hedgeFailed(server: HttpServer): void {
    this.hedge = null;
    this.tries?.tried.push(server);
  }

  /** Asks a second server for the same, if there is one and that is paid for. */
  private askBeside(now: number): void {
    this.hedgeBy = never;
    const { by, engine, key, route, sender, server } = this;
    // A client with a cookie has its session on one server: another one's answer would be a stranger's.
    if (server === null || this.hedge !== null || key.cookie !== null) return;
    this.tries ??= new Tries(route, this.startedAt);
    const other = this.tries.beside(server, { now, key });
    if (other === null) return;
    this.hedge = new Hedge({ engine, exchange: this, server: other, sentHead: sender.sentHead, by });
    this.hedge.begin();
  }

  /** Goes on with the second server, if one is being asked, in place of the first. */
  private followHedge(): boolean {
    const { hedge, route, server } = this;
    if (hedge === null) return false;
    this.hedge = null;
    this.upstream?.discard();
    if (server !== null) this.tries?.tried.push(server);
    this.server = hedge.server;
    this.trace?.joined(formatEndpoint(hedge.server.endpoint), hedge);
    this.upstream = hedge.lead();
    this.isConnected = hedge.connectedAt !== null;
    if (!this.isConnected) {
      this.sender.again();
      this.connectBy = this.engine.sweep.after(route.plan.connectTimeoutMs);
    }
    this.startReadTimeout();
    return true;
  }

  private dropHedge(): void {
    this.hedgeBy = never;
    this.hedge?.cancel();
    this.hedge = null;
  }

  /** Asks another server, or answers `status` if nobody may be asked again. */
  private serverFailed(fault: Fault, status: 502 | 504, isRepeatable = true): void {
    const { engine, route, server } = this;
    if (server === null) return;
    server.pool.health?.failed(fault);
    engine.suspects.add(server.probe);
    this.trace?.ended(status);
    if (isRepeatable && this.followHedge()) return;
    this.tries ??= new Tries(route, this.startedAt);
    const mayAsk = this.tries.failed(server, fault, status, engine.sweep.now);
    if (mayAsk && isRepeatable && this.sender.mayRepeat) {
      this.leaveServer();
      this.goOn();
    } else {
      this.refuse(this.tries.status);
    }
  }

  /** Lets another server answer instead of one that failed with a status, if that may be. */
  private asksAnother(status: number, isWhole: boolean): boolean {
    const { engine, key, route, server } = this;
    if (server === null || !route.retries.on.includes(status) || !this.sender.mayRepeat) return false;
    this.tries ??= new Tries(route, this.startedAt);
    const asked = { now: engine.sweep.now, key };
    const other = this.hedge === null ? this.tries.insteadOf(server, status, asked) : this.hedge.server;
    if (other === null) return false;
    if (isWhole) {
      this.upstream?.release(this.sender.isComplete);
      this.upstream = null;
    }
    if (this.followHedge()) return true;
    this.leaveServer();
    this.askServer(other);
    return true;
  }

  private leaveServer(): void {
    this.upstream?.discard();
    this.upstream = null;
    this.sender.again();
    this.connectBy = never;
    this.readBy = never;
    this.hedgeBy = never; // nobody is asked beside a server that is not asked any more
  }

  private startReadTimeout(): void {
    this.readBy = this.sender.isComplete ? this.engine.sweep.after(this.route.plan.readTimeoutMs) : never;
  }

  private afterReceiving(isTaken: boolean, isLast: boolean): void {
    if (isLast) {
      this.finish();
    } else if (isTaken) {
      this.startReadTimeout();
    } else {
      this.readBy = never;
      this.upstream?.pause();
    }
  }

  private finish(): void {
    this.isDone = true;
    this.upstream?.release(this.sender.isComplete);
    this.upstream = null;
    this.route.upstream.state.queue.roomMade();
    this.client.exchangeDone(this.status);
  }

  /** Answers `status`, or breaks off what has begun. */
  refuse(status: number): void {
    this.cancel();
    if (this.hasBegun) this.client.abort(this.status, false);
    else this.answerWith(plainAnswer(status));
  }

  private answerWith(answer: Answer): void {
    this.isDone = true;
    this.client.answerWith(ownAnswer(this.route, this.sink, answer));
  }
}
