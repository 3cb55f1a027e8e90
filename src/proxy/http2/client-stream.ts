import { FieldTable } from "../http1/field-table.ts";
import type { ResponseHead } from "../http1/response-head.ts";
import { Interim } from "../interim.ts";
import type { SentHead } from "../sent-head.ts";
import type { BodyPiece } from "../body-piece.ts";
import type { UpstreamFailure, UpstreamStream, UpstreamUser } from "../upstream-stream.ts";
import { FramedStream } from "./framed-stream.ts";
import { errorCode } from "./frames.ts";
import type { Field } from "./hpack-decoder.ts";
import { SentRequest } from "./sent-request.ts";
import { readHttp2Response } from "./upstream-head.ts";
import { responseLimits } from "./settings.ts";
import { StreamEnd } from "./stream-end.ts";
import type { Http2Upstream } from "./upstream.ts";

const noBytes = Buffer.alloc(0);
/** So often a request goes to another connection because its server has not looked at it. */
const mostMoves = 3;
// Shared: what is read is used within the turn.
const table = new FieldTable(responseLimits.fields + 1);

/** A request to a server over HTTP/2. */
export class ClientStream extends FramedStream implements UpstreamStream {
  readonly isReused: boolean;
  /** When its request was sent, by the coarse clock; infinite before. */
  beganAt: number = Number.POSITIVE_INFINITY;
  private connection: Http2Upstream;
  private user: UpstreamUser | null;
  /** Null before it is sent, and once it cannot be sent again. */
  private sent: SentRequest | null = null;
  private isMoving = false;
  private isPaused = false;
  /** What the user has got while it wanted no more. */
  private pausedBytes = 0;
  private hasHead = false;
  private expected = -1;
  private came = 0;
  /** Null as long as the server has sent none. */
  private interim: Interim | null = null;
  /** Of a request for a WebSocket. */
  private webSocketKey: string | null = null;
  /** Set once it is a WebSocket. */
  private end: StreamEnd | null = null;
  /** Hears that the server takes no WebSockets in HTTP/2. */
  private readonly onRefused: (() => void) | null;

  constructor(
    connection: Http2Upstream,
    user: UpstreamUser,
    o: { readonly isReused: boolean; readonly onRefused: (() => void) | null },
  ) {
    super();
    this.connection = connection;
    this.user = user;
    this.isReused = o.isReused;
    this.onRefused = o.onRefused;
  }

  /** Whether it is for a WebSocket, so that it has to wait until the server says whether it takes any. */
  get isForWebSocket(): boolean {
    return this.onRefused !== null;
  }

  /** The server takes no WebSockets: the user goes another way. */
  refuse(): void {
    this.user = null;
    this.connection.finished(this, null);
    this.onRefused?.();
  }

  /** The connection is there: the user may send. */
  ready(): void {
    if (this.isMoving) this.sendAgain();
    else this.user?.upstreamReady();
  }

  /** Goes to another connection. */
  moveTo(connection: Http2Upstream): void {
    this.connection = connection;
  }

  override get isBlocked(): boolean {
    return this.isMoving || super.isBlocked;
  }

  /** The server has not looked at it: it is sent anew over another connection, if all of it is still there (RFC 9113 §8.7). */
  unseen(detail: string): void {
    const { interim, sent } = this;
    if (this.user === null) return;
    if (sent?.isWhole !== true || interim !== null || ++sent.moves > mostMoves) {
      this.fail("closed", detail);
      return;
    }
    this.isMoving = true;
    this.user.upstreamMoved(false);
    this.connection.moved(this);
  }

  private sendAgain(): void {
    const { sent } = this;
    this.isMoving = false;
    if (sent === null) return;
    const { head, isLast, pieces } = sent;
    if (!this.connection.begin(this, head, isLast && pieces.length === 0)) return;
    for (const [at, piece] of pieces.entries()) this.send(piece, isLast && at === pieces.length - 1);
    this.user?.upstreamMoved(true);
    if (this.isTaken()) this.user?.upstreamDrained();
  }

  sendRequest(sentHead: SentHead, _isChunked: boolean, piece: BodyPiece | null, isLast: boolean): boolean {
    const head = sentHead.text;
    if (this.isForWebSocket) {
      this.webSocketKey = /\r\nsec-websocket-key: *([^ \r]+)/i.exec(head)?.[1] ?? null;
      return this.connection.begin(this, head, false);
    }
    const isEmpty = piece === null || piece.end === piece.start;
    this.sent = new SentRequest(head);
    if (piece !== null) this.sent.add(piece, isLast);
    else this.sent.isLast = isLast;
    if (!this.connection.begin(this, head, isEmpty && isLast)) return false;
    if (isEmpty) this.isTaken();
    else this.send(piece, isLast);
    return true;
  }

  sendBody(piece: BodyPiece, isLast: boolean): void {
    this.sent?.add(piece, isLast);
    this.send(piece, isLast);
  }

  protected override drained(): void {
    if (this.end !== null) this.end.drained();
    else this.user?.upstreamDrained();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.consumed(this.pausedBytes);
    this.pausedBytes = 0;
  }

  release(isRequestSent: boolean): void {
    this.user = null;
    this.connection.finished(this, isRequestSent ? null : errorCode.none);
  }

  discard(): void {
    this.user = null;
    this.connection.abandoned(this);
  }

  /** Takes a header block: of an interim response, of the final one, or of trailers. */
  override takeFields(fields: readonly Field[], isEnd: boolean, isTooLarge: boolean): void {
    const { user, webSocketKey } = this;
    if (user === null) return;
    if (isTooLarge) {
      this.fail("protocol", "too many fields");
      return;
    }
    if (this.hasHead) {
      this.takeTrailers(user, fields, isEnd);
      return;
    }
    const head = readHttp2Response(fields, table, { method: user.method, isEnd, webSocketKey });
    if (typeof head === "string") {
      this.fail("protocol", head);
    } else if (head.status >= 200) {
      this.hasHead = true;
      this.sent = null;
      this.expected = head.bodyLength;
      user.headArrived(head, table, { bytes: noBytes, start: 0, end: 0 }, isEnd);
    } else if (head.status === 101 && head.upgrades) {
      this.switched(user, head, isEnd);
    } else if (isEnd || head.status === 101 || this.isInterimFlood()) {
      this.fail("protocol", "interim response");
    } else {
      user.interimArrived(head, table);
    }
  }

  private isInterimFlood(): boolean {
    const now = performance.now();
    this.interim ??= new Interim(now);
    return this.interim.isOneTooMany(now);
  }

  override takeData(bytes: Buffer, isEnd: boolean): void {
    if (this.end !== null) return this.end.arrived(bytes, isEnd);
    const { user } = this;
    if (user === null) return;
    this.came += bytes.length;
    if (!this.hasHead || (this.expected >= 0 && this.came > this.expected)) {
      this.fail("protocol", "more body than was told");
      return;
    }
    if (isEnd && this.expected >= 0 && this.came < this.expected) {
      this.fail("closed", "less body than was told");
      return;
    }
    if (bytes.length > 0 || isEnd) user.bodyArrived({ bytes, start: 0, end: bytes.length }, isEnd);
    // The server may send as much again unless the client is slow.
    if (this.isPaused) this.pausedBytes += bytes.length;
    else this.consumed(bytes.length);
  }

  override resetByPeer(code: number): void {
    const detail = `the server reset the stream (error ${code})`;
    if (code === errorCode.refusedStream) this.unseen(detail);
    else this.fail("protocol", detail, null); // RFC 9113 §5.4.2: no reset answers a reset
  }

  override violated(code: number): void {
    this.fail("protocol", `the server broke HTTP/2 (error ${code})`);
  }

  /** Tells the user that nothing more will come. */
  fail(failure: UpstreamFailure, detail: string, code: number | null = errorCode.cancel): void {
    const { isMoving, user } = this;
    this.user = null;
    if (user !== null) this.connection.failedRequest();
    this.connection.finished(this, code);
    this.end?.closed(true);
    // What it has handed in is gone, even if no connection has come about this time.
    user?.upstreamFailed(isMoving ? "closed" : failure, detail);
  }

  private switched(user: UpstreamUser, head: ResponseHead, isEnd: boolean): void {
    const { connection } = this;
    const far = new StreamEnd(this, {
      localAddress: "",
      close: () => connection.finished(this, this.isRemoteDone ? null : errorCode.cancel),
      cut: () => connection.finished(this, errorCode.cancel),
    });
    user.switchArrived({
      head,
      fields: table,
      far,
      rest: null,
      taken: () => {
        this.user = null;
        this.end = far;
      },
      ended: () => connection.roomMade(),
    });
    if (isEnd) this.end?.arrived(noBytes, true);
  }

  private takeTrailers(user: UpstreamUser, fields: readonly Field[], isEnd: boolean): void {
    if (!isEnd || fields.some(({ name }) => name.startsWith(":"))) {
      this.fail("protocol", "trailers");
      return;
    }
    const trailers = fields.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
    user.bodyArrived({ bytes: noBytes, start: 0, end: 0, trailers }, true);
  }
}
