import type { ExchangeClient, ExchangeOptions } from "./exchange-client.ts";
import { chunkedBody } from "./http1/request-head.ts";
import type { SentHead } from "./sent-head.ts";
import { idempotent } from "./tries.ts";
import type { BodyPiece } from "./body-piece.ts";
import type { UpstreamStream } from "./upstream-stream.ts";

const never = Number.POSITIVE_INFINITY;
/** Bodies up to this long are kept for another server: copying more takes longer than a microsecond. */
const mostKept = 16 * 1024;

/** Whose request is sent. */
export interface SentRequest {
  /** Whether it has its answer already, or nobody waits for one. */
  readonly isOver: boolean;
  /** The whole request is with the server. */
  requestSent(): void;
}

/** Sends one request to a server, its body as it arrives from the client; the head perhaps to several, one after another. */
export class RequestSender {
  /** Whether something may have reached a server. */
  hasSent = false;
  /** Whether the whole request is with the server. */
  isComplete = false;
  /** When the server must have taken what waits for it. */
  sendBy: number = never;
  /** Whether nothing but the client is waited for: it has more of the body to send. */
  awaitsBody = false;
  private readonly o: ExchangeOptions;
  private readonly client: ExchangeClient;
  private readonly request: SentRequest;
  private hasSentContinue = false;
  /** A short body that has come as a whole, until a server has answered. */
  private whole: BodyPiece | null = null;

  constructor(o: ExchangeOptions, request: SentRequest) {
    this.o = o;
    this.client = o.client;
    this.request = request;
  }

  /** The head as servers get it. */
  get sentHead(): SentHead {
    return this.o.sentHead;
  }

  /** Whether it may not go to a second server once one has it: it does something, or its body is gone then. It is not to meet a dead connection. */
  get isOnce(): boolean {
    const { bodyLength, method } = this.o.head;
    return bodyLength !== 0 || !idempotent.has(method);
  }

  /** Whether it may go to another server: no harm is done by that, and nothing was taken of its body, or that is kept. */
  get mayRepeat(): boolean {
    const isHarmless = !this.hasSent || idempotent.has(this.o.head.method);
    return isHarmless && (this.whole !== null || !this.client.isBodyTouched());
  }

  /** A server has answered: the request goes to no other. */
  forget(): void {
    this.o.sentHead.forget();
    this.whole = null;
  }

  /** Sends the head with what has arrived of the body. */
  begin(upstream: UpstreamStream): void {
    const { head, sentHead } = this.o;
    const piece = this.whole ?? this.client.takeBody();
    if (this.request.isOver) return; // the body was refused
    const isLast = this.client.isBodyDone();
    if (piece !== null && isLast) this.keep(piece);
    const { trace } = this.o;
    trace?.sent(sentHead.length + (piece === null ? 0 : piece.end - piece.start));
    this.hasSent = upstream.sendRequest(sentHead, head.bodyLength === chunkedBody, piece, isLast);
    this.afterSending(upstream, isLast);
    if (!isLast) this.sendContinue();
  }

  /** Sends more of the body, if the server takes it now. */
  sendBody(upstream: UpstreamStream): void {
    if (upstream.isBlocked) {
      this.client.pauseReading();
      return;
    }
    const piece = this.client.takeBody();
    const isLast = this.client.isBodyDone();
    if (piece === null) {
      this.awaitsBody = !isLast; // the server has taken all there was: it is the client's turn
      return;
    }
    this.o.trace?.sent(piece.end - piece.start);
    upstream.sendBody(piece, isLast);
    this.afterSending(upstream, isLast);
  }

  /** The server takes bytes again. */
  drained(upstream: UpstreamStream): void {
    this.sendBy = never;
    if (this.client.isBodyDone()) {
      this.complete();
    } else {
      this.client.resumeReading();
      this.sendBody(upstream);
    }
  }

  /** The server has not looked at it, and gets it over another connection; then it `isSent` over that. */
  moved(upstream: UpstreamStream, isSent: boolean): void {
    this.hasSent = isSent;
    const isLimited = isSent && upstream.isBlocked;
    this.sendBy = isLimited ? this.o.engine.sweep.after(this.o.route.plan.sendTimeoutMs) : never;
  }

  /** Gets ready for another server. */
  again(): void {
    this.isComplete = false;
    this.sendBy = never;
    this.awaitsBody = false;
  }

  private afterSending(upstream: UpstreamStream, isLast: boolean): void {
    this.awaitsBody = false;
    if (upstream.isBlocked) {
      this.sendBy = this.o.engine.sweep.after(this.o.route.plan.sendTimeoutMs);
      this.client.pauseReading();
    } else if (isLast) {
      this.complete();
    } else {
      this.awaitsBody = true;
      this.client.resumeReading();
    }
  }

  private keep({ bytes, end, start }: BodyPiece): void {
    if (this.whole !== null || end - start > mostKept) return;
    this.whole = { bytes: Buffer.from(bytes.subarray(start, end)), start: 0, end: end - start };
  }

  private complete(): void {
    this.isComplete = true;
    this.request.requestSent();
  }

  private sendContinue(): void {
    if (!this.o.head.expectsContinue || this.hasSentContinue || this.client.isBodyTouched()) return;
    this.hasSentContinue = true;
    this.client.sendContinue();
  }
}
