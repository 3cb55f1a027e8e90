import type { ForwardedBy } from "./headers.ts";
import { connectTo, type ConnectContext, type GiveUp } from "./streams/connect.ts";
import { BodyReader } from "./http1/body-reader.ts";
import { FieldTable } from "./http1/field-table.ts";
import { readResponseHead, type ResponseHead } from "./http1/response-head.ts";
import { InputBuffer } from "./input-buffer.ts";
import { Interim } from "./interim.ts";
import { Outbox } from "./outbox.ts";
import { proxyHeader } from "./proxy-header.ts";
import type { SentHead } from "./sent-head.ts";
import type { SocketOwner, Wire } from "./sockets.ts";
import { giveBack } from "./streams/read-memory.ts";
import { serverRefusal } from "./tls/upstream-tls.ts";
import type { Tunnel } from "./tunnel.ts";
import { SocketEnd } from "./tunnel-end.ts";
import type { UpstreamPool } from "./upstream-pool.ts";
import type { BodyPiece } from "./body-piece.ts";
import type { UpstreamFailure, UpstreamStream, UpstreamUser } from "./upstream-stream.ts";

const responseLimits = { startLineBytes: 8192, headBytes: 64 * 1024, fields: 256 };
// Shared: what is read is used within the turn.
const fields = new FieldTable(responseLimits.fields);
const noBytes = Buffer.alloc(0);
const noPiece: BodyPiece = { bytes: noBytes, start: 0, end: 0 };

/** One connection to a server: reads responses one after another and hands them to the present user. */
export class UpstreamConnection implements SocketOwner, UpstreamStream {
  outbox: Outbox | null = null;
  wire: Wire | null = null;
  /** Whether it has carried a complete exchange before. */
  isReused = false;
  idleUntil = 0;
  /** Requests that it has carried, or carries. */
  requests = 1;
  /** When it was begun, in milliseconds of the monotonic clock, and how much earlier than others it ends; set by its pool. */
  bornAt = 0;
  haste = 0;
  readonly pool: UpstreamPool;
  readonly client: ForwardedBy | null;
  private user: UpstreamUser | null;
  private readonly input = new InputBuffer();
  private readonly body = new BodyReader(true);
  private readsBody = false;
  private mayReuse = false;
  private isChunked = false;
  private isClosed = false;
  /** Null as long as the server has sent none to this request. */
  private interim: Interim | null = null;
  private readonly giveUpConnecting: GiveUp;

  /** `client` is who the server is told first; null tells it nobody. */
  constructor(pool: UpstreamPool, user: UpstreamUser, context: ConnectContext, client: ForwardedBy | null) {
    this.pool = pool;
    this.client = client;
    this.user = user;
    this.giveUpConnecting = connectTo(context, pool.endpoint, pool.tls?.options ?? null, {
      owner: this,
      opened: (wire) => this.opened(wire),
      refused: (reason) => this.fail("connect", reason),
    });
  }

  /** Starts an exchange on a connection that was idle. */
  use(user: UpstreamUser): void {
    this.user = user;
    this.isReused = true;
    this.requests += 1;
    this.interim = null;
  }

  get isBlocked(): boolean {
    return this.outbox?.isBlocked === true;
  }

  sendRequest(head: SentHead, isChunked: boolean, piece: BodyPiece | null, isLast: boolean): boolean {
    const { outbox } = this;
    if (outbox === null) return false;
    outbox.beginRequest();
    this.isChunked = isChunked;
    // A body that was seen to be empty before it goes to another server still has to be ended.
    if (isChunked && (piece !== null || isLast)) outbox.sendChunk(head.text, piece ?? noPiece, isLast);
    else outbox.sendRequestHead(head, piece);
    return outbox.hasGoneOut;
  }

  /** Whether nothing has come from the server since its last response, not even an end; asks the system. */
  get isQuiet(): boolean {
    return this.wire?.isQuiet?.() !== false;
  }

  sendBody(piece: BodyPiece, isLast: boolean): void {
    if (this.isChunked) this.outbox?.sendChunk("", piece, isLast);
    else this.outbox?.send(piece.bytes, piece.start, piece.end);
  }

  pause(): void {
    this.wire?.pause();
  }

  resume(): void {
    this.wire?.resume();
  }

  /** Ends the exchange: the connection goes back to the pool if nothing is left open on it, else it is closed. */
  release(isRequestSent: boolean): void {
    this.user = null;
    const isClean =
      this.mayReuse && isRequestSent && this.input.length === 0 && this.outbox?.isBlocked === false;
    if (isClean && !this.isClosed) this.pool.giveBack(this);
    else this.discard(isRequestSent);
  }

  /** Closes it, whatever is going on; the server sees a reset unless it is a `clean` end. */
  discard(isClean = false): void {
    this.user = null;
    this.leave();
    if (this.wire === null) this.giveUpConnecting();
    else if (isClean) this.wire.end();
    else this.wire.terminate();
  }

  /** Closes it because its server is to have none: the user may ask another. */
  giveUp(detail: string): void {
    if (this.user === null) this.discard(true);
    else this.fail("closed", detail);
  }

  received(bytes: Buffer, head = 0): void {
    this.receivedShort(bytes, bytes.length, head);
  }

  receivedShort(bytes: Buffer, length: number, head: number): void {
    const { user } = this;
    if (user === null) {
      // Bytes on an idle connection belong to no request: whoever uses it next would take them for its answer.
      this.pool.forget(this);
      this.discard();
      return;
    }
    if (this.readsBody) this.takeBody(user, bytes, 0, length);
    else {
      this.input.add(bytes, length, head);
      this.takeHead(user, bytes);
    }
  }

  drained(): void {
    if (this.outbox?.isBlocked === true && this.outbox.flush()) this.user?.upstreamDrained();
  }

  ended(): void {
    this.finish("the server ended the connection");
    this.wire?.end();
  }

  closed(isReset: boolean): void {
    // RFC 9112 §8: what ends with the connection is whole only if that ended in order.
    if (isReset && this.user !== null) this.fail("closed", "the server reset the connection");
    else this.finish("the server closed the connection");
  }

  private opened(socket: Wire): void {
    this.wire = socket;
    if (this.isClosed) {
      socket.terminate();
      return;
    }
    if (this.pool.tls === null) this.begin(socket);
  }

  secured(hasFailed: boolean, complaint: Error | null): void {
    const { pool, wire } = this;
    if (this.isClosed || wire === null || pool.tls === null) return;
    const refusal = serverRefusal(pool.tls.options, hasFailed, complaint);
    pool.secured(refusal);
    if (refusal === null) this.begin(wire);
    else this.fail("connect", refusal);
  }

  /** A server that wants another certificate from us may say so behind the handshake (RFC 8446 §4.4.2.4). */
  broken({ message }: Error): void {
    this.pool.secured(message);
    this.fail("closed", message);
  }

  private begin(socket: Wire): void {
    this.outbox = new Outbox(socket);
    this.tellClient(this.outbox);
    this.user?.upstreamReady();
  }

  private tellClient(outbox: Outbox): void {
    if (this.client === null || this.pool.proxyProtocol === null) return;
    const { destination, source } = this.client.ends;
    const header = proxyHeader(this.pool.proxyProtocol, source, destination);
    outbox.send(header, 0, header.length);
  }

  private takeHead(user: UpstreamUser, bytes: Buffer): void {
    const { input } = this;
    while (!this.readsBody) {
      const held = input.bytes;
      const scan = input.findHead(responseLimits);
      if (held === null || scan === null) {
        input.keep();
        giveBack(bytes);
        return;
      }
      if (scan.fault !== null) return this.fail("protocol", scan.fault);
      const head = readResponseHead(held, scan, fields, user.method);
      const { end } = input;
      input.consumeTo(scan.end);
      if (typeof head === "string") {
        this.fail("protocol", head);
        return;
      }
      if (head.status >= 200) {
        this.beginBody(user, head, held, end);
        return;
      }
      if (head.status === 101) {
        this.readsBody = true;
        this.switched(user, head, input.rest);
        return;
      }
      const now = performance.now();
      this.interim ??= new Interim(now);
      if (this.interim.isOneTooMany(now)) return this.fail("protocol", "too many interim responses");
      user.interimArrived(head, fields);
    }
  }

  private switched(user: UpstreamUser, head: ResponseHead, rest: Buffer | null): void {
    const { outbox, pool, wire } = this;
    if (outbox === null || wire === null) return;
    const far = new SocketEnd(wire, outbox);
    user.switchArrived({
      head,
      fields,
      far,
      rest,
      taken: (tunnel) => this.detach(tunnel),
      ended: (tunnel) => pool.ended(tunnel),
    });
  }

  private beginBody(user: UpstreamUser, head: ResponseHead, held: Buffer, end: number): void {
    const { body, input } = this;
    const start = input.bytes === null ? end : input.start;
    this.mayReuse = head.keepsAlive;
    body.begin(head.bodyLength);
    this.readsBody = true;
    if (body.isDone || start === end) {
      this.readsBody = !body.isDone;
      // Of the bytes of the head, so that it can be copied from them.
      user.headArrived(head, fields, { bytes: held, start: end, end }, body.isDone);
      if (start === end) giveBack(held); // the fields were of use until now
      return;
    }
    const next = body.take(held, start, end);
    input.consumeTo(next);
    if (body.isFaulty) return this.fail("protocol", "chunked coding");
    this.readsBody = !body.isDone;
    user.headArrived(head, fields, this.piece(held, next === end), body.isDone);
  }

  private takeBody(user: UpstreamUser, bytes: Buffer, start: number, end: number): void {
    const { body } = this;
    const next = body.take(bytes, start, end);
    if (next < end) this.mayReuse = false; // more than was asked for
    if (body.isFaulty) return this.fail("protocol", "chunked coding");
    if (body.isDone) this.readsBody = false;
    if (body.isDone || body.payloadEnd > body.payloadStart) {
      user.bodyArrived(this.piece(bytes, next === end), body.isDone);
    } else {
      giveBack(bytes); // the line between two chunks
    }
  }

  private piece(bytes: Buffer, isFree: boolean): BodyPiece {
    const { isDone, payloadEnd, payloadStart, trailers } = this.body;
    const piece = { bytes, start: payloadStart, end: payloadEnd, isFree };
    return isDone && trailers !== "" ? { ...piece, trailers } : piece;
  }

  private finish(detail: string): void {
    if (this.isClosed) return;
    const { user } = this;
    this.mayReuse = false;
    if (user === null) {
      this.pool.forget(this);
      this.leave();
    } else if (this.readsBody && this.body.finish()) {
      this.readsBody = false;
      user.bodyArrived({ bytes: noBytes, start: 0, end: 0 }, true);
      this.leave();
    } else {
      this.fail("closed", detail);
    }
  }

  private fail(failure: UpstreamFailure, detail: string): void {
    if (this.isClosed) return;
    const { outbox, user } = this;
    // Nothing was sent before there were keys.
    const what = outbox === null ? "connect" : failure === "closed" && this.isUnheard ? "unheard" : failure;
    this.pool.failedRequest();
    this.discard();
    user?.upstreamFailed(what, detail);
  }

  /** Whether it is certain that nothing of the request was with the server: one that has ended its half can answer nothing (RFC 9112 §9.6). */
  private get isUnheard(): boolean {
    const isSilent = !this.readsBody && this.interim === null && this.input.length === 0;
    return isSilent && this.outbox?.isUnheard === true;
  }

  /** A tunnel owns the socket now. */
  private detach(tunnel: Tunnel): void {
    this.user = null;
    this.leave();
    this.pool.carries(tunnel);
  }

  private leave(): void {
    this.isClosed = true;
    this.pool.left(this);
  }
}
