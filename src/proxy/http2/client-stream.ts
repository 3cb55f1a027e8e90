import { FieldTable } from "../http1/field-table.ts";
import type { ResponseHead } from "../http1/response-head.ts";
import type { BodyPiece, UpstreamFailure, UpstreamStream, UpstreamUser } from "../upstream-connection.ts";
import { FramedStream } from "./framed-stream.ts";
import { errorCode } from "./frames.ts";
import type { Field } from "./hpack-decoder.ts";
import { readHttp2Response } from "./upstream-head.ts";
import { responseLimits } from "./settings.ts";
import { StreamEnd } from "./stream-end.ts";
import type { Http2Upstream } from "./upstream.ts";

const noBytes = Buffer.alloc(0);
const maxInterim = 16;
// Shared: what is read is used within the turn.
const table = new FieldTable(responseLimits.fields + 1);

/** A request to a server over HTTP/2. */
export class ClientStream extends FramedStream implements UpstreamStream {
  readonly isReused: boolean;
  private readonly connection: Http2Upstream;
  private user: UpstreamUser | null;
  private isPaused = false;
  /** What the user has got while it wanted no more. */
  private pausedBytes = 0;
  private hasHead = false;
  private expected = -1;
  private came = 0;
  private interimCount = 0;
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
    this.user?.upstreamReady();
  }

  sendRequest(head: string, _isChunked: boolean, piece: BodyPiece | null, isLast: boolean): boolean {
    if (this.isForWebSocket) {
      this.webSocketKey = /\r\nsec-websocket-key: *([^ \r]+)/i.exec(head)?.[1] ?? null;
      return this.connection.begin(this, head, false);
    }
    const isEmpty = piece === null || piece.end === piece.start;
    if (!this.connection.begin(this, head, isEmpty && isLast)) return false;
    if (isEmpty) this.isTaken();
    else this.send(piece, isLast);
    return true;
  }

  sendBody(piece: BodyPiece, isLast: boolean): void {
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
    this.connection.finished(this, errorCode.cancel);
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
      this.expected = head.bodyLength;
      user.headArrived(head, table, { bytes: noBytes, start: 0, end: 0 }, isEnd);
    } else if (head.status === 101 && head.upgrades) {
      this.switched(user, head, isEnd);
    } else if (isEnd || head.status === 101 || ++this.interimCount > maxInterim) {
      this.fail("protocol", "interim response");
    } else {
      user.interimArrived(head, table);
    }
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
    // RFC 9113 §8.7: a refused stream was not looked at.
    const failure = code === errorCode.refusedStream ? "closed" : "protocol";
    this.fail(failure, `the server reset the stream (error ${code})`);
  }

  override violated(code: number): void {
    this.fail("protocol", `the server broke HTTP/2 (error ${code})`);
  }

  /** Tells the user that nothing more will come. */
  fail(failure: UpstreamFailure, detail: string): void {
    const { user } = this;
    this.user = null;
    this.connection.finished(this, errorCode.cancel);
    this.end?.closed(true);
    user?.upstreamFailed(failure, detail);
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
