import { FieldTable } from "../http1/field-table.ts";
import type { BodyPiece, UpstreamFailure, UpstreamStream, UpstreamUser } from "../upstream-connection.ts";
import { FramedStream } from "./framed-stream.ts";
import { errorCode } from "./frames.ts";
import type { Field } from "./hpack-decoder.ts";
import { readHttp2Response } from "./upstream-head.ts";
import { responseLimits } from "./settings.ts";
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

  constructor(connection: Http2Upstream, user: UpstreamUser, isReused: boolean) {
    super();
    this.connection = connection;
    this.user = user;
    this.isReused = isReused;
  }

  /** The connection is there: the user may send. */
  ready(): void {
    this.user?.upstreamReady();
  }

  sendRequest(head: string, _isChunked: boolean, piece: BodyPiece | null, isLast: boolean): boolean {
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
    this.user?.upstreamDrained();
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
    const { user } = this;
    if (user === null) return;
    if (isTooLarge) {
      this.fail("protocol", "too many fields");
      return;
    }
    if (this.hasHead) {
      this.takeTrailers(user, fields, isEnd);
      return;
    }
    const head = readHttp2Response(fields, table, { method: user.method, isEnd });
    if (typeof head === "string") {
      this.fail("protocol", head);
    } else if (head.status >= 200) {
      this.hasHead = true;
      this.expected = head.bodyLength;
      user.headArrived(head, table, { bytes: noBytes, start: 0, end: 0 }, isEnd);
    } else if (isEnd || head.status === 101 || ++this.interimCount > maxInterim) {
      this.fail("protocol", "interim response");
    } else {
      user.interimArrived(head, table);
    }
  }

  override takeData(bytes: Buffer, isEnd: boolean): void {
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
    user?.upstreamFailed(failure, detail);
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
