import { answerHead, plainAnswer, type Answer } from "../answer.ts";
import { paged } from "../content/error-pages.ts";
import { decide, isAnswer, routeOf } from "../decide.ts";
import { lingerMs } from "../engine.ts";
import type { ExchangeClient, ResponseStart } from "../exchange-client.ts";
import { openExchange, type OpenExchange } from "../open-exchange.ts";
import type { FieldTable } from "../http1/field-table.ts";
import { isFault, type RequestFault, type RequestHead } from "../http1/request-head.ts";
import { passedTrailers } from "../http1/trailers.ts";
import type { ResponseHead } from "../http1/response-head.ts";
import { InputBuffer } from "../input-buffer.ts";
import { RequestRecord } from "../request-record.ts";
import type { RequestView } from "../request-view.ts";
import { matchingPath } from "../routes.ts";
import { openWebSocket } from "../upgrade.ts";
import type { BodyPiece } from "../body-piece.ts";
import type { SwitchedUpstream } from "../upstream-stream.ts";
import { Pace } from "../pace.ts";
import { FramedStream } from "./framed-stream.ts";
import { errorCode } from "./frames.ts";
import type { Field } from "./hpack-decoder.ts";
import { StreamEnd } from "./stream-end.ts";
import type { StreamHost } from "./stream-host.ts";

const never = Number.POSITIVE_INFINITY;
/** So much of a request is thrown away behind its answer before the client is told to stop. */
const mostLateBytes = 256 * 1024;
const noBytes = Buffer.alloc(0);
const noPiece: BodyPiece = { bytes: noBytes, start: 0, end: 0 };

/**
 * One request of a client over HTTP/2 (RFC 9113 §5.1) and its response. One over HTTP/3 has the same life (RFC 9114 §4.1), on streams
 * that QUIC carries.
 *
 *     open ──END_STREAM from the client──► half-closed ──END_STREAM of ours──► closed
 *       └────────────── RST_STREAM of either side ─────────────────────────────► closed
 */
export class ServerStream extends FramedStream implements ExchangeClient {
  private readonly connection: StreamHost;
  private readonly record: RequestRecord;
  private readonly input = new InputBuffer();
  private exchange: OpenExchange | null = null;
  private request: RequestHead | null = null;
  private maxBodyBytes = Number.POSITIVE_INFINITY;
  private readonly came = { total: 0 };
  /** Of bodies: fields are packed with those of other streams. */
  private readonly sent = { total: 0 };
  private isEndTaken = false;
  private isAnswered = false;
  private isClosed = false;
  /** Set once it is a WebSocket. */
  private end: StreamEnd | null = null;
  /** Until when the client's end is waited for. */
  private lingerBy = never;
  private lateBytes = 0;
  /** How fast the client reads, and sends its body, while it alone is waited for. */
  private reading: Pace | null = null;
  private sending: Pace | null = null;
  /** What it has read by that count, and what was sent at the last look. */
  private readBytes = 0;
  private sentBefore = 0;

  /** The head that was sent, for logs that want it. */
  sentHead = "";

  constructor(connection: StreamHost) {
    super();
    this.connection = connection;
    const { by, engine, wire } = connection;
    this.record = new RequestRecord(engine, by, { wire, body: this.came, outbox: this.sent, writer: this });
  }

  /** Starts with a request whose fields were read last. */
  begin(head: RequestHead | RequestFault, view: RequestView | null): void {
    const { hosts } = this.connection.listener;
    if (isFault(head) || view === null) {
      const site = hosts.fallback();
      this.record.begin(site, "", null);
      this.answerWith(paged(site?.errorPages ?? null, plainAnswer(isFault(head) ? head.status : 400)));
      return;
    }
    this.request = head;
    const site = hosts.find(head.hostName);
    this.record.begin(
      site ?? hosts.fallback(),
      `${head.method} ${head.target} ${this.connection.version}`,
      view.fields,
    );
    const path = head.target === "*" ? "/" : matchingPath(head.target);
    view.set(head, view.fields, path ?? "/");
    const decision = decide(site, view, path);
    this.record.follow(view);
    if (isAnswer(decision)) {
      this.answerWith(decision);
      return;
    }
    const { record } = this;
    const route = routeOf(decision);
    this.maxBodyBytes = route.plan.maxBodyBytes;
    this.exchange = openExchange(this, record, route, view);
    this.exchange.begin(decision);
  }

  override takeData(bytes: Buffer, isEnd: boolean): void {
    if (this.lingerBy !== never) return this.takeLate(bytes, isEnd);
    if (this.end !== null) return this.end.arrived(bytes, isEnd);
    if (this.isWebSocket) {
      // It is kept for the server, as far as the window lets it come.
      if (this.exchange === null) this.consumed(bytes.length);
      else if (bytes.length > 0) this.input.add(bytes);
      return;
    }
    this.came.total += bytes.length;
    const length = this.request?.bodyLength ?? -1;
    // RFC 9113 §8.1.1: more of it than was told, or less.
    if (length >= 0 && (this.came.total > length || (isEnd && this.came.total < length))) {
      this.violated(errorCode.protocol);
      return;
    }
    if (this.exchange === null || this.came.total > this.maxBodyBytes) {
      this.consumed(bytes.length);
      this.refuseBody(413);
      return;
    }
    if (bytes.length > 0) this.input.add(bytes);
    this.exchange.bodyArrivedFromClient();
  }

  /** Throws away what comes behind the answer. */
  private takeLate(bytes: Buffer, isEnd: boolean): void {
    this.lateBytes += bytes.length;
    if (isEnd) this.left(null);
    else if (this.lateBytes > mostLateBytes) this.left(errorCode.none);
    else this.consumed(bytes.length);
  }

  /** Trailers of a request end it; no server of HTTP/1.1 is told of them (RFC 9110 §6.5.1). */
  override takeFields(fields: readonly Field[], isEnd: boolean): void {
    const hasPseudo = fields.some(({ name }) => name.startsWith(":"));
    if (!isEnd || hasPseudo) this.violated(errorCode.protocol); // RFC 9113 §8.1
    else this.takeData(noBytes, true);
  }

  override resetByPeer(): void {
    this.cancelled();
    this.connection.finished(this, null);
  }

  override violated(code: number): void {
    this.connection.reset(this, code);
  }

  /** The client wants no more of it, or its connection is gone. */
  cancelled(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.exchange?.cancel();
    this.end?.closed(true);
    if (!this.isAnswered) this.record.end(499, this.sent.total);
    this.isAnswered = true;
    this.exchange = null;
  }

  /** Acts on deadlines. */
  sweep(now: number): void {
    this.exchange?.sweep(now);
    if (now >= this.lingerBy) this.left(errorCode.none);
  }

  /** Whether it has more to read; a WebSocket has limits of its own. */
  get isReading(): boolean {
    return !this.isClosed && !this.isSent && this.end === null;
  }

  /** Whether it alone is waited for, with its body. */
  get isSending(): boolean {
    return this.exchange?.isAwaitingBody === true;
  }

  /**
   * Counts what the client has read: what was sent, or, while the socket alone is waited for, its share of what the client has got over
   * that, for the kernel takes megabytes ahead.
   */
  countReading(share: number | null): void {
    const sent = this.sent.total - this.waitingBytes;
    this.readBytes += share !== null && this.window > 0 ? share : sent - this.sentBefore;
    this.sentBefore = sent;
  }

  /** Looks how fast the client is, if it alone is waited for; so many streams share what it can do. */
  judgePace(now: number, readers: number, senders: number): void {
    const { download, upload } = this.connection.listener.plan;
    const { readBytes } = this;
    if (!this.isReading) this.reading = null;
    else if ((this.reading ??= new Pace(now, readBytes)).isTooSlow(now, readBytes, download, readers))
      this.connection.reset(this, errorCode.cancel);
    const bodyBytes = this.came.total;
    if (!this.isSending) this.sending = null;
    else if ((this.sending ??= new Pace(now, bodyBytes)).isTooSlow(now, bodyBytes, upload, senders))
      this.refuseBody(408);
  }

  protected override drained(): void {
    if (this.isClosed) return;
    if (this.end !== null) this.end.drained();
    else if (this.isAnswered) this.close();
    else this.exchange?.clientDrained();
  }

  takeBody(): BodyPiece | null {
    if (this.isWebSocket) return null;
    const { input } = this;
    const { bytes, end, start } = input;
    if (bytes === null) {
      if (!this.isRemoteDone || this.isEndTaken) return null;
      this.isEndTaken = true;
      return noPiece;
    }
    input.consumeTo(end);
    this.isEndTaken = this.isRemoteDone;
    this.consumed(end - start);
    return { bytes, start, end };
  }

  isBodyDone(): boolean {
    return this.isWebSocket || (this.isRemoteDone && this.input.length === 0);
  }

  isBodyTouched(): boolean {
    return this.came.total > this.input.length;
  }

  private get isWebSocket(): boolean {
    return this.request?.needsTunnel === true;
  }

  /** The window does it: what is not taken is not let come. */
  pauseReading(): void {
    // Nothing else to do.
  }

  resumeReading(): void {
    // Nothing else to do.
  }

  sendContinue(): void {
    this.connection.heads.interim(this.id, 100, null, null);
  }

  sendInterim(head: ResponseHead, fields: FieldTable): void {
    this.connection.heads.interim(this.id, head.status, head, fields);
  }

  sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    const isEmpty = isLast && piece.end === piece.start && piece.trailers === undefined;
    const o = { isLast: isEmpty, wantsText: this.record.wantsHead };
    const told = this.connection.listener.alternative?.start(start) ?? start;
    this.sentHead = this.connection.heads.response(this.id, told, o);
    return isEmpty || this.sendBody(piece, isLast);
  }

  sendBody(piece: BodyPiece, isLast: boolean): boolean {
    this.sent.total += piece.end - piece.start;
    return this.send(piece, isLast, piece.trailers === undefined ? "" : passedTrailers(piece.trailers));
  }

  exchangeDone(status: number): void {
    this.record.end(status, this.sent.total);
    this.exchange = null;
    this.isAnswered = true;
    if (this.isSent) this.close();
  }

  abort(status: number, isStalled: boolean): void {
    this.record.end(status, this.sent.total);
    this.exchange = null;
    this.isAnswered = true;
    // A response that lacks something must not look complete (RFC 9113 §8.1).
    this.connection.reset(this, isStalled ? errorCode.cancel : errorCode.internal);
  }

  openTunnel(from: SwitchedUpstream, idleMs: number): boolean {
    const { connection, request } = this;
    const end = new StreamEnd(this, {
      localAddress: connection.localAddress,
      close: () => this.endInOrder(),
      cut: () => this.left(errorCode.cancel),
    });
    const tell = ({ fields, head }: SwitchedUpstream): void => connection.heads.opened(this.id, head, fields);
    const key = request?.webSocketKey ?? null;
    const client = { end, early: null, tell };
    const { engine } = connection;
    if (!openWebSocket({ engine, key, client, from, record: this.record, idleMs })) return false;
    this.end = end;
    this.exchange = null;
    this.isAnswered = true;
    this.record.end(101, 0);
    const { bytes, start } = this.input;
    const early = bytes?.subarray(start, this.input.end) ?? noBytes;
    this.input.consumeTo(this.input.end);
    end.arrived(early, this.isRemoteDone);
    return true;
  }

  /**
   * A client that is reset may throw away what it has not read: it gets time to end its half itself, before it is told that
   * no more of the request is needed (RFC 9113 §8.1).
   */
  private endInOrder(): void {
    if (this.isRemoteDone) this.left(null);
    else this.lingerBy = this.connection.engine.sweep.after(lingerMs);
  }

  private left(code: number | null): void {
    this.isClosed = true;
    this.connection.finished(this, code);
  }

  answerWith(given: Answer): void {
    // A success would say that the WebSocket is there.
    const shown = this.isWebSocket && given.status < 300 ? plainAnswer(404) : given;
    const answer = this.connection.listener.alternative?.answer(shown) ?? shown;
    const body = this.request?.method === "HEAD" ? noBytes : answer.body;
    const { date } = this.connection.engine.sweep;
    if (this.record.wantsHead) this.sentHead = answerHead(answer, date, false);
    this.connection.heads.answer(this.id, answer, { date, isLast: body.length === 0 });
    if (body.length > 0) this.sendBody({ bytes: body, start: 0, end: body.length }, true);
    this.exchangeDone(answer.status);
  }

  private refuseBody(status: 408 | 413): void {
    this.exchange?.refuse(status);
  }

  private close(): void {
    if (!this.isClosed && this.lingerBy === never) this.endInOrder();
  }
}
