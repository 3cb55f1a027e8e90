import { plainAnswer, type Answer } from "../answer.ts";
import { decide, isAnswer, routeOf } from "../decide.ts";
import type { ExchangeClient, ResponseStart } from "../exchange-client.ts";
import { openExchange, type OpenExchange } from "../open-exchange.ts";
import type { FieldTable } from "../http1/field-table.ts";
import { isFault, type RequestFault, type RequestHead } from "../http1/request-head.ts";
import { passedTrailers } from "../http1/trailers.ts";
import type { ResponseHead } from "../http1/response-head.ts";
import { InputBuffer } from "../input-buffer.ts";
import type { RequestRecord } from "../request-record.ts";
import type { RequestView } from "../request-view.ts";
import { matchingPath } from "../routes.ts";
import type { BodyPiece } from "../upstream-connection.ts";
import type { Http2Connection } from "./connection.ts";
import type { SendingStream } from "./data-sender.ts";
import { errorCode } from "./frames.ts";

const noBytes = Buffer.alloc(0);
const noPiece: BodyPiece = { bytes: noBytes, start: 0, end: 0 };

/** What waits for the client's window, or for its socket. */
interface Waiting {
  readonly bytes: Buffer;
  start: number;
  readonly end: number;
  readonly isLast: boolean;
  /** Field lines that end the stream in place of the last DATA; empty for none. */
  readonly trailers: string;
}

/**
 * One request of a client over HTTP/2 (RFC 9113 §5.1) and its response.
 *
 *     open ──END_STREAM from the client──► half-closed ──END_STREAM of ours──► closed
 *       └────────────── RST_STREAM of either side ─────────────────────────────► closed
 */
export class ServerStream implements ExchangeClient, SendingStream {
  readonly id: number;
  /** What the client lets us send. */
  window: number;
  /** What we let the client send. */
  room: number;
  /** What the server has taken, and the client was not told of yet. */
  unreturned = 0;
  isEndHeld = false;
  /** Whether the client has sent all it will. */
  isRemoteDone: boolean;
  private readonly connection: Http2Connection;
  private readonly record: RequestRecord;
  private readonly input = new InputBuffer();
  private readonly waiting: Waiting[] = [];
  private exchange: OpenExchange | null = null;
  private request: RequestHead | null = null;
  private maxBodyBytes = Number.POSITIVE_INFINITY;
  private bodyBytes = 0;
  private sentBytes = 0;
  private isEndTaken = false;
  private isAnswered = false;
  private isClosed = false;

  constructor(o: {
    readonly connection: Http2Connection;
    readonly id: number;
    readonly window: number;
    readonly room: number;
    readonly isRemoteDone: boolean;
    readonly record: RequestRecord;
  }) {
    this.connection = o.connection;
    this.id = o.id;
    this.window = o.window;
    this.room = o.room;
    this.isRemoteDone = o.isRemoteDone;
    this.record = o.record;
  }

  /** Starts with a request whose fields were read last. */
  begin(head: RequestHead | RequestFault, view: RequestView | null): void {
    const { hosts } = this.connection.listener;
    if (isFault(head) || view === null) {
      this.record.begin(hosts.fallback(), "", null);
      this.answerWith(plainAnswer(isFault(head) ? head.status : 400));
      return;
    }
    this.request = head;
    const site = hosts.find(head.hostName);
    this.record.begin(site ?? hosts.fallback(), `${head.method} ${head.target} HTTP/2.0`, view.fields);
    if (site !== null) this.maxBodyBytes = site.maxBodyBytes;
    const path = head.target === "*" ? "/" : matchingPath(head.target);
    view.set(head, view.fields, path ?? "/");
    const decision = decide(site, view, path);
    this.record.follow(view);
    if (isAnswer(decision)) {
      this.answerWith(decision);
      return;
    }
    const { engine } = this.connection;
    const { record } = this;
    this.exchange = openExchange({ engine, client: this, route: routeOf(decision), record }, view);
    this.exchange.begin(decision);
  }

  /** Takes a piece of the request body; it stays as it is. False if there is more of it than was told (RFC 9113 §8.1.1). */
  received(bytes: Buffer, isEnd: boolean): boolean {
    this.bodyBytes += bytes.length;
    this.isRemoteDone ||= isEnd;
    const length = this.request?.bodyLength ?? -1;
    if (length >= 0 && (this.bodyBytes > length || (isEnd && this.bodyBytes < length))) return false;
    if (this.exchange === null) {
      this.connection.consumed(this, bytes.length);
      return true;
    }
    if (this.bodyBytes > this.maxBodyBytes) {
      this.connection.consumed(this, bytes.length);
      this.refuseBody();
      return true;
    }
    if (bytes.length > 0) this.input.add(bytes);
    this.exchange.bodyArrivedFromClient();
    return true;
  }

  /** The client wants no more of it, or its connection is gone. */
  cancelled(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.exchange?.cancel();
    if (!this.isAnswered) this.record.end(499, this.sentBytes);
    this.isAnswered = true;
    this.exchange = null;
  }

  /** Acts on deadlines. */
  sweep(now: number): void {
    this.exchange?.sweep(now);
  }

  /** Sends what waits, as far as windows and socket let it. */
  pump(): void {
    if (this.isClosed || this.waiting.length === 0) return;
    for (let first = this.waiting[0]; first !== undefined; first = this.waiting[0]) {
      if (!this.write(first)) return;
      this.waiting.shift();
    }
    if (this.isAnswered) this.close();
    else this.exchange?.clientDrained();
  }

  get isBlocked(): boolean {
    return this.waiting.length > 0 || this.connection.isBlocked;
  }

  takeBody(): BodyPiece | null {
    const { input } = this;
    const { bytes, end, start } = input;
    if (bytes === null) {
      if (!this.isRemoteDone || this.isEndTaken) return null;
      this.isEndTaken = true;
      return noPiece;
    }
    input.consumeTo(end);
    this.isEndTaken = this.isRemoteDone;
    this.connection.consumed(this, end - start);
    return { bytes, start, end };
  }

  isBodyDone(): boolean {
    return this.isRemoteDone && this.input.length === 0;
  }

  isBodyTouched(): boolean {
    return this.bodyBytes > this.input.length;
  }

  /** The window does it: what is not taken is not let come. */
  pauseReading(): void {
    // Nothing else to do.
  }

  resumeReading(): void {
    // Nothing else to do.
  }

  answer(status: number): void {
    this.answerWith(plainAnswer(status));
  }

  sendContinue(): void {
    this.connection.blocks.interim(this.id, 100, null, null);
  }

  sendInterim(head: ResponseHead, fields: FieldTable): void {
    this.connection.blocks.interim(this.id, head.status, head, fields);
  }

  sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    const isEmpty = isLast && piece.end === piece.start;
    this.connection.blocks.response(this.id, start, isEmpty);
    return isEmpty || this.sendBody(piece, isLast);
  }

  sendBody(piece: BodyPiece, isLast: boolean): boolean {
    const { bytes, end, start } = piece;
    this.sentBytes += end - start;
    const trailers = piece.trailers === undefined ? "" : passedTrailers(piece.trailers);
    const held = { bytes, start, end, isLast, trailers };
    if (this.waiting.length === 0 && this.write(held)) return !this.connection.isBlocked;
    this.waiting.push(held);
    return false;
  }

  /** Sends what it can of a piece; true if that is all of it. */
  private write(held: Waiting): boolean {
    held.start = this.connection.sendData(this, held, held.isLast && held.trailers === "");
    if (held.start < held.end || this.isEndHeld) return false;
    if (held.isLast && held.trailers !== "") this.connection.blocks.trailers(this.id, held.trailers);
    return true;
  }

  exchangeDone(status: number): void {
    this.record.end(status, this.sentBytes);
    this.exchange = null;
    this.isAnswered = true;
    if (this.waiting.length === 0) this.close();
  }

  abort(status: number, isStalled: boolean): void {
    this.record.end(status, this.sentBytes);
    this.exchange = null;
    this.isAnswered = true;
    // A response that lacks something must not look complete (RFC 9113 §8.1).
    this.connection.reset(this, isStalled ? errorCode.cancel : errorCode.internal);
  }

  openTunnel(): boolean {
    return false;
  }

  answerWith(answer: Answer): void {
    const body = this.request?.method === "HEAD" ? noBytes : answer.body;
    const { date } = this.connection.engine.sweep;
    this.connection.blocks.answer(this.id, answer, { date, isLast: body.length === 0 });
    if (body.length > 0) this.sendBody({ bytes: body, start: 0, end: body.length }, true);
    this.exchangeDone(answer.status);
  }

  private refuseBody(): void {
    const { exchange } = this;
    if (exchange === null) return;
    const { hasBegun } = exchange;
    exchange.cancel();
    this.exchange = null;
    if (hasBegun) this.abort(413, false);
    else this.answerWith(plainAnswer(413));
  }

  private close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.connection.finished(this);
  }
}
