import { plainAnswer, type Answer } from "./answer.ts";
import { paged } from "./content/error-pages.ts";
import { decide, isAnswer, routeOf, type Waiting } from "./decide.ts";
import { drainIdleMs, lingerMs, type Engine, type OpenClient } from "./engine.ts";
import type { ExchangeClient, ResponseStart } from "./exchange-client.ts";
import { openExchange, type OpenExchange } from "./open-exchange.ts";
import { buildInterimHead, type ForwardedBy } from "./headers.ts";
import type { FieldTable } from "./http1/field-table.ts";
import { isFault, type RequestHead } from "./http1/request-head.ts";
import type { ResponseHead } from "./http1/response-head.ts";
import { Outbox } from "./outbox.ts";
import { Pace, readingStep } from "./pace.ts";
import { RequestReader } from "./request-reader.ts";
import { RequestRecord } from "./request-record.ts";
import { RequestView } from "./request-view.ts";
import { ResponseWriter } from "./response-writer.ts";
import { matchingPath } from "./routes.ts";
import type { Listener } from "./listener.ts";
import type { Route, Site } from "./snapshot.ts";
import { localAddressOf, type SocketOwner, type Wire } from "./sockets.ts";
import { movedBytes } from "./streams/acknowledged.ts";
import { giveBack } from "./streams/read-memory.ts";
import type { Swept } from "./sweep.ts";
import { SocketEnd } from "./tunnel-end.ts";
import type { BodyPiece } from "./body-piece.ts";
import type { SwitchedUpstream } from "./upstream-stream.ts";
import { openWebSocket } from "./upgrade.ts";

/**
 * A client's connection.
 *
 *     head ──complete──► exchange ──response done──► head
 *       │ fault, timeout     │ Connection: close        │ idle
 *       ▼                    ▼                          ▼
 *     lingering: our side has ended, what still comes is thrown away ──► closed
 *
 * Requests sent ahead wait in the input, unread by the socket, until the one before is answered (RFC 9112 §9.3.2).
 */
export class ClientConnection implements SocketOwner, ExchangeClient, OpenClient, Swept {
  readonly outbox: Outbox;
  private readonly engine: Engine;
  private readonly listener: Listener;
  private readonly wire: Wire;
  private readonly forwardedBy: ForwardedBy;
  private readonly reader: RequestReader;
  private state: "head" | "exchange" | "lingering" | "closed" = "head";
  private exchange: OpenExchange | null = null;
  private request: RequestHead | null = null;
  private readonly record: RequestRecord;
  private bodyBytesBefore = 0;
  private maxBodyBytes = 0;
  private deadline: number;
  private isPaused = false;
  private hasEnded = false;
  private isBusy = false;
  private view: RequestView | null = null;
  /** How fast it reads, and sends its body, while it alone is waited for. */
  private reading: Pace | null = null;
  private sending: Pace | null = null;
  private readonly writer: ResponseWriter;

  constructor(engine: Engine, listener: Listener, wire: Wire, by: ForwardedBy) {
    this.engine = engine;
    this.listener = listener;
    this.wire = wire;
    this.outbox = new Outbox(wire);
    this.writer = new ResponseWriter(this.outbox);
    this.forwardedBy = by;
    this.reader = new RequestReader(listener.plan.headLimits);
    const { outbox, reader, writer } = this;
    this.record = new RequestRecord(engine, by, { wire, body: reader.body, outbox, writer });
    this.deadline = engine.sweep.after(listener.plan.headTimeoutMs);
    engine.clients.add(this);
    engine.sweep.add(this);
  }

  received(bytes: Buffer, head = 0): void {
    this.receivedShort(bytes, bytes.length, head);
  }

  receivedShort(bytes: Buffer, length: number, head: number): void {
    const { reader } = this;
    reader.hasGivenBody = false;
    if (this.state !== "lingering" && this.state !== "closed") this.take(bytes, length, head);
    if (!reader.hasGivenBody) giveBack(bytes); // a head is read within its turn
  }

  private take(bytes: Buffer, length: number, head: number): void {
    const { reader } = this;
    reader.input.add(bytes, length, head);
    if (this.state === "head") {
      this.readRequests();
    } else {
      if (!reader.body.isDone) this.exchange?.bodyArrivedFromClient();
      if (this.state === "exchange" && reader.input.length > 0) this.pauseReading();
    }
    reader.input.keep();
  }

  drained(): void {
    if (!this.outbox.isBlocked || !this.outbox.flush()) return;
    if (this.state === "lingering") {
      this.shut();
    } else if (this.exchange !== null) {
      this.exchange.clientDrained();
    } else {
      this.waitForRequest();
      this.readRequests();
    }
  }

  ended(): void {
    this.hasEnded = true;
    // It waits for its answer, or what came of its body for the server; but a place in a queue is for those who are there.
    const mayWait = this.state === "exchange" && (this.reader.body.isDone || this.reader.input.length > 0);
    if (mayWait && this.exchange?.isWaiting !== true) return;
    if (this.state === "lingering" && this.outbox.isBlocked) return;
    this.closed();
  }

  closed(): void {
    if (this.state === "exchange") this.drop(499);
    this.close();
  }

  sweep(now: number): void {
    if (this.exchange !== null) this.exchange.sweep(now);
    else if (now >= this.deadline && !this.outbox.isBlocked) this.expire();
    if (this.state === "closed") return;
    // How fast the client is, if it alone is waited for.
    const { exchange, outbox, reader } = this;
    const { download, upload } = this.listener.plan;
    const moved = outbox.isBlocked ? movedBytes(this.wire, outbox.taken) : 0;
    if (!outbox.isBlocked) this.reading = null;
    else if ((this.reading ??= new Pace(now, moved, readingStep)).isTooSlow(now, moved, download)) this.cut();
    const { total } = reader.body;
    if (exchange?.isAwaitingBody !== true) this.sending = null;
    else if ((this.sending ??= new Pace(now, total)).isTooSlow(now, total, upload)) this.refuseBody(408);
  }

  closeSoon(): void {
    if (this.state === "head") this.deadline = Math.min(this.deadline, this.engine.sweep.after(drainIdleMs));
  }

  get isToClose(): boolean {
    const { departing, isDraining } = this.engine;
    return isDraining || (departing.size > 0 && departing.has(this.localAddress));
  }

  get localAddress(): string {
    return localAddressOf(this.wire);
  }

  get standing(): OpenClient["standing"] {
    if (this.state === "closed") return "ended";
    if (this.outbox.isBlocked || this.state === "exchange" || this.reader.input.length > 0) return "in use";
    return this.state === "lingering" ? "closing" : "idle";
  }

  get writtenBytes(): number {
    return this.outbox.total;
  }

  end(): void {
    if (this.state === "exchange") this.drop(499);
    if (this.state === "closed") return;
    this.state = "lingering";
    this.reader.input.consumeTo(this.reader.input.end);
    this.shut();
  }

  cut(): void {
    if (this.state === "exchange") this.drop(499);
    this.close(true);
  }

  takeBody(): BodyPiece | null {
    const { body, input } = this.reader;
    const piece = this.reader.takeBody();
    if (piece === null) return null;
    if (body.isFaulty) return this.refuseBody(400);
    if (body.total > this.maxBodyBytes) return this.refuseBody(413);
    if (this.hasEnded && !body.isDone) {
      this.drop(499);
      this.close();
      return null;
    }
    if (body.isDone && input.length === 0) this.resumeReading();
    return piece;
  }

  isBodyDone(): boolean {
    return this.reader.body.isDone;
  }

  isBodyTouched(): boolean {
    return this.reader.body.total > 0;
  }

  pauseReading(): void {
    if (!this.isPaused) this.wire.pause();
    this.isPaused = true;
  }

  resumeReading(): void {
    if (this.isPaused) this.wire.resume();
    this.isPaused = false;
  }

  get isBlocked(): boolean {
    return this.outbox.isBlocked;
  }

  sendContinue(): void {
    this.writer.askForBody();
  }

  sendInterim(head: ResponseHead, from: FieldTable): void {
    this.writer.interim(head, from);
  }

  sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    // A request that is not complete now may never be: its connection cannot be used again (RFC 9112 §9.3).
    const told = this.listener.alternative?.start(start) ?? start;
    this.writer.keepsHead = this.record.wantsHead;
    return this.writer.head(told, this.isToClose || !this.reader.body.isDone, piece, isLast);
  }

  sendBody(piece: BodyPiece, isLast: boolean): boolean {
    return this.writer.body(piece, isLast);
  }

  exchangeDone(status: number): void {
    this.finished(status);
    this.exchange = null;
    this.request = null;
    if (this.writer.closes || (this.hasEnded && this.reader.input.length === 0)) return this.linger();
    this.state = "head";
    this.reader.begin();
    this.waitForRequest();
    this.readRequests();
  }

  private waitForRequest(): void {
    const { isDraining, sweep } = this.engine;
    this.deadline = sweep.after(isDraining ? drainIdleMs : this.listener.plan.idleTimeoutMs);
  }

  abort(status: number, isStalled: boolean): void {
    this.finished(status);
    this.exchange = null;
    // Without a length or chunks only a reset tells the client that something is missing (RFC 9112 §8).
    if (isStalled || this.writer.framing === "until-close") this.close(true);
    else this.linger();
  }

  openTunnel(from: SwitchedUpstream, idleMs: number): boolean {
    const { engine, request } = this;
    const { outbox, wire } = this;
    const end = new SocketEnd(wire, outbox);
    const client = {
      end,
      early: this.reader.input.rest,
      tell: ({ fields, head }: SwitchedUpstream): void =>
        void outbox.sendHead(buildInterimHead(head, fields), null),
    };
    const key = request?.webSocketKey ?? null;
    if (!openWebSocket({ engine, key, client, from, record: this.record, idleMs })) return false;
    this.finished(101);
    this.exchange = null;
    this.state = "closed";
    engine.sweep.remove(this);
    engine.clients.delete(this);
    if (this.hasEnded) end.ended(); // the socket has told that once
    return true;
  }

  private readRequests(): void {
    if (this.isBusy) return; // an answer given at once: the loop below goes on
    this.isBusy = true;
    while (this.state === "head" && !this.outbox.isBlocked && this.readRequest());
    this.isBusy = false;
    // A client that does not read its answers is not read from either, or its requests would pile up here.
    if (this.state === "head" && this.outbox.isBlocked) this.pauseReading();
    else if (this.state === "head" && this.reader.input.length === 0) this.resumeReading();
    if (this.state === "head" && this.hasEnded) this.linger();
  }

  /** Reads a request head if it is complete; false if more has to arrive first. */
  private readRequest(): boolean {
    const { reader } = this;
    if (reader.input.bytes === null) return false;
    if (!reader.isHeadBegun) this.deadline = this.engine.sweep.after(this.listener.plan.headTimeoutMs);
    const head = reader.next();
    if (head === null) {
      this.resumeReading();
      return false;
    }
    if (isFault(head)) return this.refuse(head.status, reader.requestLine);
    this.begin(head);
    return true;
  }

  private refuse(status: number, requestLine: string): true {
    const site = this.listener.hosts.fallback();
    this.startAnswering(site, requestLine, null);
    // What could not be read belongs to no site: it gets the page, and no field that depends on the request.
    this.answerWith(paged(site?.errorPages ?? null, plainAnswer(status)));
    return true;
  }

  private startAnswering(site: Site | null, requestLine: string | null, sent: FieldTable | null): void {
    this.state = "exchange";
    this.writer.begin(this.request);
    this.bodyBytesBefore = this.outbox.total - this.outbox.headTotal;
    this.record.begin(site, requestLine, sent);
  }

  private begin(head: RequestHead): void {
    const { body, fields } = this.reader;
    this.request = head;
    body.begin(head.bodyLength);
    this.sending = null;
    const site = this.listener.hosts.find(head.hostName);
    this.startAnswering(site ?? this.listener.hosts.fallback(), null, fields);
    const path = head.target === "*" ? "/" : matchingPath(head.target);
    this.view ??= new RequestView(this.forwardedBy, head, fields);
    const { view } = this;
    view.set(head, fields, path ?? "/");
    const decision = decide(site, view, path);
    this.record.follow(view);
    if (isAnswer(decision)) this.answerWith(decision);
    else this.forward(decision, view);
    if (this.exchange !== null && this.reader.input.length > 0 && body.isDone) this.pauseReading();
  }

  answerWith(answer: Answer): void {
    const isToClose = this.isToClose || !this.reader.body.isDone || answer === this.forwardedBy.refusal;
    const told = this.listener.alternative?.answer(answer) ?? answer;
    this.writer.answer(told, this.engine.sweep.date, isToClose);
    this.exchangeDone(answer.status);
  }

  private forward(decision: Route | Waiting, view: RequestView): void {
    const route = routeOf(decision);
    this.maxBodyBytes = route.plan.maxBodyBytes;
    this.exchange = openExchange(this, this.record, route, view);
    this.exchange.begin(decision);
  }

  private refuseBody(status: 400 | 408 | 413): null {
    this.exchange?.refuse(status);
    return null;
  }

  private finished(status: number): void {
    this.record.end(status, this.outbox.total - this.outbox.headTotal - this.bodyBytesBefore);
  }

  private expire(): void {
    if (this.state === "head" && this.reader.isHeadBegun && this.reader.input.length > 0)
      this.refuse(408, "");
    else if (this.state === "head" && !this.outbox.isBlocked) this.linger();
    else this.close(); // in order: a reset would take from a slow client what the kernel has yet to send it
  }

  /** Ends our side behind what is still to be written. */
  private linger(): void {
    this.exchange = null;
    this.state = "lingering";
    this.reader.input.consumeTo(this.reader.input.end);
    if (!this.outbox.isBlocked) this.shut();
  }

  private shut(): void {
    this.deadline = this.engine.sweep.after(lingerMs);
    if (this.hasEnded) {
      this.close();
      return;
    }
    this.wire.shutdown();
    this.resumeReading();
  }

  private drop(status: number): void {
    this.exchange?.cancel();
    this.exchange = null;
    this.finished(status);
  }

  private close(isReset = false): void {
    if (this.state === "closed") return;
    this.state = "closed"; // first, for the socket says at once that it is closed, and the request would end twice
    this.engine.sweep.remove(this);
    this.engine.clients.delete(this);
    if (isReset) this.wire.terminate();
    else this.wire.end();
  }
}
