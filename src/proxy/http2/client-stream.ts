import type { FieldTable } from "../http1/field-table.ts";
import type { BodyPiece, UpstreamFailure, UpstreamStream, UpstreamUser } from "../upstream-connection.ts";
import type { SendingStream } from "./data-sender.ts";
import { errorCode } from "./frames.ts";
import type { Field } from "./hpack-decoder.ts";
import { readHttp2Response } from "./upstream-head.ts";
import type { Http2Upstream } from "./upstream.ts";

const noBytes = Buffer.alloc(0);
const maxInterim = 16;

interface Waiting {
  readonly bytes: Buffer;
  start: number;
  readonly end: number;
  readonly isLast: boolean;
}

/** A request to a server over HTTP/2. */
export class ClientStream implements UpstreamStream, SendingStream {
  /** 0 until the request is sent: numbers have to rise in the order of the requests (RFC 9113 §5.1.1). */
  id = 0;
  window = 0;
  isEndHeld = false;
  /** What the server may send, and what of it was used up since it was told. */
  unreturned = 0;
  readonly isReused: boolean;
  private readonly connection: Http2Upstream;
  private user: UpstreamUser | null;
  private readonly waiting: Waiting[] = [];
  private isPaused = false;
  private hasHead = false;
  private isRequestDone = false;
  private expected = -1;
  private came = 0;
  private interimCount = 0;

  constructor(connection: Http2Upstream, user: UpstreamUser, isReused: boolean) {
    this.connection = connection;
    this.user = user;
    this.isReused = isReused;
  }

  /** The connection is there: the user may send. */
  ready(): void {
    this.user?.upstreamReady();
  }

  get isBlocked(): boolean {
    return this.waiting.length > 0 || this.connection.isBlocked;
  }

  sendRequest(head: string, _isChunked: boolean, piece: BodyPiece | null, isLast: boolean): boolean {
    const isEmpty = piece === null || piece.end === piece.start;
    const endsStream = isEmpty && isLast;
    if (!this.connection.begin(this, head, endsStream)) return false;
    this.isRequestDone = endsStream;
    if (!endsStream && !isEmpty) this.sendBody(piece, isLast);
    return true;
  }

  sendBody({ bytes, end, start }: BodyPiece, isLast: boolean): void {
    this.isRequestDone ||= isLast;
    const held = { bytes, start, end, isLast };
    if (this.waiting.length === 0) {
      held.start = this.connection.sendData(this, held, isLast);
      if (held.start === end && !this.isEndHeld) return;
    }
    this.waiting.push(held);
  }

  /** Sends what waits, as far as windows and socket let it. */
  pump(): void {
    if (this.waiting.length === 0) return;
    for (let first = this.waiting[0]; first !== undefined; first = this.waiting[0]) {
      first.start = this.connection.sendData(this, first, first.isLast);
      if (first.start < first.end || this.isEndHeld) return;
      this.waiting.shift();
    }
    this.user?.upstreamDrained();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.giveBack();
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
  takeFields(fields: readonly Field[], table: FieldTable, isEnd: boolean): void {
    const { user } = this;
    if (user === null) return;
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

  /** Takes a piece of the response body; it stays as it is. */
  takeData(bytes: Buffer, isEnd: boolean): void {
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
  }

  /** Counts what the server has sent, and lets it send as much again unless the client is slow. */
  received(bytes: number): void {
    this.unreturned += bytes;
    this.giveBack();
  }

  /** Tells the user that nothing more will come. */
  fail(failure: UpstreamFailure, detail: string): void {
    const { user } = this;
    this.user = null;
    this.connection.finished(this, errorCode.cancel);
    user?.upstreamFailed(failure, detail);
  }

  private giveBack(): void {
    if (!this.isPaused && this.user !== null) this.connection.giveBack(this);
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
