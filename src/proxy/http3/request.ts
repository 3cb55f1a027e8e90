import type { Engine } from "../engine.ts";
import type { ForwardedBy } from "../headers.ts";
import type { StreamCarrier } from "../http2/framed-stream.ts";
import { errorCode } from "../http2/frames.ts";
import type { Field } from "../http2/hpack-decoder.ts";
import { ServerStream } from "../http2/stream.ts";
import type { StreamHost } from "../http2/stream-host.ts";
import type { Listener } from "../listener.ts";
import type { SecuredBy } from "../request-record.ts";
import type { BodyPiece } from "../body-piece.ts";
import { BodyWriter } from "./body-writer.ts";
import type { Http3Connection } from "./connection.ts";
import { http3CodeOf } from "./error-code.ts";
import { FieldWriter, type SectionCarrier } from "./field-writer.ts";
import { fieldsOf, type FieldBlock } from "./fields.ts";
import type { RequestStream } from "./quic-stream.ts";

const noBytes = Buffer.alloc(0);
/** A request without a length is taken for one with a body if its end has not come by then. */
const patienceMs = 50;

/** The stream of QUIC that one request came on: what the engine does with its stream, the runtime does with this one. */
export class Http3Request implements StreamHost, StreamCarrier, SectionCarrier {
  readonly version = "HTTP/3.0";
  readonly isBlocked = false;
  readonly stream: ServerStream;
  readonly heads: FieldWriter;
  private readonly connection: Http3Connection;
  private readonly quic: RequestStream;
  private readonly body: BodyWriter;
  /** Of a request that has not begun; the timer begins it at the latest. */
  private waiting: { readonly fields: readonly Field[]; readonly timer: Timer } | null = null;
  /** Bytes of the body that nobody has taken yet. */
  private unread = 0;
  private hasEnded = false;
  private isOver = false;

  constructor(connection: Http3Connection, quic: RequestStream) {
    this.connection = connection;
    this.quic = quic;
    this.heads = new FieldWriter(this);
    this.body = new BodyWriter(quic, () => connection.run(() => this.stream.pump()));
    this.stream = new ServerStream(this);
    this.stream.attach(this, Number(quic.id));
    const gone = (): void => connection.run(() => this.gone());
    quic.closed.then(gone, gone);
    quic.ontrailers = (trailers) => {
      if (Object.keys(trailers).some((name) => name.startsWith(":")))
        this.reset(this.stream, errorCode.protocol);
    };
  }

  /** Takes the head, and what follows; it may be over in the same turn. */
  start(block: FieldBlock): void {
    this.read(fieldsOf(block)).catch((error: unknown) => this.connection.failed(error));
  }

  get engine(): Engine {
    return this.connection.engine;
  }

  get listener(): Listener {
    return this.connection.listener;
  }

  get by(): ForwardedBy {
    return this.connection.by;
  }

  get wire(): SecuredBy {
    return this.connection.wire;
  }

  get localAddress(): string {
    return this.connection.localAddress;
  }

  /** Acts on deadlines. */
  sweep(now: number): void {
    this.stream.sweep(now);
  }

  reset(stream: ServerStream, code: number): void {
    stream.cancelled();
    this.finished(stream, code);
  }

  finished(stream: ServerStream, code: number | null): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.waiting?.timer);
    this.waiting = null;
    if (code !== null) {
      if (!this.hasEnded) this.attempt(() => this.quic.resetStream(http3CodeOf(code)));
      if (!stream.isRemoteDone) this.attempt(() => this.quic.stopSending(http3CodeOf(code)));
    }
    this.connection.holds(-this.unread);
    this.connection.finished(this);
  }

  sendData(stream: ServerStream, piece: BodyPiece, isLast: boolean): number {
    stream.isEndHeld = isLast;
    let at = piece.end;
    this.attempt(() => {
      if (!this.isOver) at = this.body.write(piece);
    });
    if (at < piece.end || !isLast) return at;
    stream.isEndHeld = false;
    this.end("");
    return at;
  }

  sendTrailers(_stream: ServerStream, lines: string): void {
    this.end(lines);
  }

  consumed(_stream: ServerStream, bytes: number): void {
    if (this.isOver) return;
    this.unread -= bytes;
    this.connection.holds(-bytes);
  }

  sendHead(block: FieldBlock, isLast: boolean): void {
    if (this.isOver) return;
    this.hasEnded = isLast;
    this.attempt(() => this.quic.sendHeaders(block, { terminal: isLast }));
  }

  sendInterimHead(block: FieldBlock): void {
    if (!this.isOver) this.attempt(() => this.quic.sendInformationalHeaders(block));
  }

  private end(trailers: string): void {
    if (this.isOver) return;
    this.hasEnded = true;
    this.attempt(() => this.body.end(trailers));
  }

  /** Asks the runtime for something, be it in the turn of a server's socket or of a timer: what it refuses costs one connection. */
  private attempt(ask: () => void): void {
    this.connection.run(ask);
  }

  /** Reads the body as it comes: what is not read is kept by the runtime, as much as there is. */
  private async read(fields: readonly Field[]): Promise<void> {
    this.waiting = {
      fields,
      timer: setTimeout(() => this.connection.run(() => this.begin(false)), patienceMs),
    };
    const batches = this.quic[Symbol.asyncIterator]();
    const next = (): Promise<readonly Uint8Array[] | null | "broken"> =>
      batches.next().then(
        ({ done, value }) => (done === true ? null : value),
        () => "broken" as const,
      );
    let coming = next();
    if (hasBody(fields)) this.begin(false);
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- one batch is read after another
      const batch = await coming;
      if (batch === "broken") return this.gone();
      this.begin(batch === null);
      if (this.stream.isRemoteDone) return;
      if (batch === null) {
        this.stream.isRemoteDone = true;
        if (!this.isOver) this.stream.takeData(noBytes, true);
        return;
      }
      for (const bytes of batch) this.arrived(bytes);
      coming = next();
    }
  }

  private begin(isEnd: boolean): void {
    const { stream, waiting } = this;
    if (waiting === null) return;
    clearTimeout(waiting.timer);
    this.waiting = null;
    stream.isRemoteDone = isEnd;
    if (!this.connection.begin(stream, waiting.fields, isEnd)) this.reset(stream, errorCode.protocol);
  }

  private arrived(bytes: Uint8Array): void {
    if (this.isOver) return;
    this.unread += bytes.length;
    this.connection.holds(bytes.length);
    this.stream.takeData(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), false);
  }

  /** The client has reset it, or wants no more of it, or its connection is gone; or all is done. */
  private gone(): void {
    if (this.isOver) return;
    this.stream.resetByPeer();
    this.connection.spend();
  }
}

function hasBody(fields: readonly Field[]): boolean {
  return fields.some(
    ({ name, value }) => name === ":protocol" || (name === "content-length" && value !== "0"),
  );
}
