import { FieldTable } from "../http1/field-table.ts";
import { InputBuffer } from "../input-buffer.ts";
import { negotiatedProtocol, type SocketOwner, type Wire } from "../sockets.ts";
import { serverRefusal, type UpstreamTlsOptions } from "../tls/upstream-tls.ts";
import type { BodyPiece, UpstreamUser } from "../upstream-connection.ts";
import { ClientStream } from "./client-stream.ts";
import { DataSender } from "./data-sender.ts";
import { FrameReader, type FrameTaker, type Payload } from "./frame-reader.ts";
import {
  clientPreface,
  errorCode,
  flag,
  frameType,
  maxPayloadBytes,
  numberFrame,
  pingAck,
  setting,
  settingsAck,
  settingsFrame,
  type FrameHead,
} from "./frames.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import { FrameOutput } from "./output.ts";
import { initialWindow, largestWindow, readSettings, tableBytes } from "./settings.ts";
import { http2RequestFields } from "./upstream-head.ts";

/** What a server may send ahead of what its client takes, for each stream; for all of them together it is as much as there can be. */
const streamWindow = 256 * 1024;
const responseLimits = { fields: 256, bytes: 64 * 1024 };
/** Streams that a server is given before it says how many it takes (RFC 9113 §6.5.2). */
const usualStreams = 100;
const block = Buffer.allocUnsafeSlow(160 * 1024);
// Shared: what is read is used within the turn.
const fields = new FieldTable(responseLimits.fields + 1);

const preamble: Buffer = Buffer.concat([
  clientPreface,
  settingsFrame([
    [setting.enablePush, 0],
    [setting.initialWindowSize, streamWindow],
    [setting.maxHeaderListSize, responseLimits.bytes],
  ]),
  numberFrame(frameType.windowUpdate, 0, largestWindow - initialWindow),
]);

/** What a connection needs of its pool. */
export interface Http2Home {
  readonly scheme: "http" | "https";
  /** It takes no new requests: it ends, or the server has said so. */
  left(connection: Http2Upstream): void;
  /** It has no request under way. */
  idle(connection: Http2Upstream): void;
}

/** A connection to a server in HTTP/2: many requests side by side. */
export class Http2Upstream implements SocketOwner, FrameTaker {
  /** When it may be closed for want of requests; set by its pool. */
  idleUntil: number = Number.POSITIVE_INFINITY;
  private readonly home: Http2Home;
  private readonly input = new InputBuffer();
  private readonly reader = new FrameReader(this, "server");
  private readonly decoder = new HpackDecoder(tableBytes, responseLimits);
  private readonly encoder = new HpackEncoder(tableBytes);
  private readonly streams = new Map<number, ClientStream>();
  /** Those that wait for the connection. */
  private readonly early = new Set<ClientStream>();
  private readonly peer = {
    headerTableSize: tableBytes,
    initialWindowSize: initialWindow,
    maxConcurrentStreams: usualStreams,
  };
  private wire: Wire | null = null;
  /** Says why the server is not to be talked to; null under no TLS. */
  private judge: ((hasFailed: boolean, complaint: Error | null) => string | null) | null = null;
  private output: FrameOutput | null = null;
  private sender: DataSender | null = null;
  private nextId = 1;
  private unreturned = 0;
  private hasServed = false;
  private isLeaving = false;
  private isClosed = false;

  constructor(home: Http2Home) {
    this.home = home;
  }

  /** Whether it takes another request. */
  get hasRoom(): boolean {
    const count = this.streams.size + this.early.size;
    return !this.isLeaving && count < this.peer.maxConcurrentStreams && this.nextId < largestWindow - 2;
  }

  /** How many requests are under way. */
  get count(): number {
    return this.streams.size + this.early.size;
  }

  /** Whether bytes wait for the server to read. */
  get isBlocked(): boolean {
    return this.output?.isBlocked === true;
  }

  /** Gives a stream to a user, who hears when it may send, later than this returns. */
  open(user: UpstreamUser): ClientStream {
    const stream = new ClientStream(this, user, this.hasServed);
    this.early.add(stream);
    if (this.output !== null) queueMicrotask(() => this.start(stream));
    return stream;
  }

  /** The socket is connected, and its keys are agreed on if there are any. */
  opened(wire: Wire): void {
    this.wire = wire;
    if (this.isClosed) {
      wire.terminate();
      return;
    }
    this.output = new FrameOutput(wire);
    this.sender = new DataSender(this.output, initialWindow);
    this.output.add(preamble);
    for (const stream of this.early) this.start(stream);
  }

  /** The socket is connected, and keys are being agreed on. */
  handshaking(wire: Wire, options: UpstreamTlsOptions, onSecured: (refusal: string | null) => void): void {
    this.wire = wire;
    this.judge = (hasFailed, complaint) => {
      const refusal = serverRefusal(options, hasFailed, complaint) ?? noHttp2(wire);
      onSecured(refusal);
      return refusal;
    };
    if (this.isClosed) wire.terminate();
  }

  secured(hasFailed: boolean, complaint: Error | null): void {
    const refusal = this.judge?.(hasFailed, complaint) ?? null;
    if (this.wire === null || this.isClosed) return;
    if (refusal === null) {
      this.opened(this.wire);
      return;
    }
    this.wire.terminate();
    this.failed(refusal);
  }

  /** It could not be connected. */
  failed(detail: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.leave();
    for (const stream of this.early) {
      this.early.delete(stream);
      stream.fail("connect", detail);
    }
  }

  received(bytes: Buffer): void {
    if (this.isClosed) return;
    this.input.add(bytes);
    while (!this.isClosed) {
      const code = this.reader.next(this.input);
      if (code === null) return;
      if (code !== errorCode.none) this.close(`the server broke HTTP/2 (error ${code})`);
    }
  }

  drained(): void {
    if (this.output?.drained() !== true) return;
    for (const stream of this.streams.values()) stream.pump();
  }

  ended(): void {
    this.close("the server ended the connection");
  }

  closed(): void {
    this.close("the server closed the connection");
  }

  /** Closes it and fails what is under way. */
  close(detail: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.leave();
    this.wire?.end();
    for (const stream of [...this.streams.values(), ...this.early]) stream.fail("closed", detail);
    this.streams.clear();
    this.early.clear();
  }

  /** Sends the head of a request that is written as HTTP/1.1 has it; false if the connection is gone. */
  begin(stream: ClientStream, head: string, endsStream: boolean): boolean {
    const { output } = this;
    if (output === null || this.isClosed) return false;
    stream.id = this.nextId;
    this.nextId += 2;
    stream.window = this.peer.initialWindowSize;
    this.streams.set(stream.id, stream);
    let end = this.encoder.begin(block, 0);
    for (const { name, value } of http2RequestFields(head, this.home.scheme))
      end = this.encoder.field(block, end, name, value);
    let type: number = frameType.headers;
    let at = 0;
    do {
      const length = Math.min(end - at, maxPayloadBytes);
      const flags =
        (at + length === end ? flag.endHeaders : 0) | (endsStream && at === 0 ? flag.endStream : 0);
      output.addFrame({ length, type, flags, stream: stream.id }, block, at);
      type = frameType.continuation;
      at += length;
    } while (at < end);
    return true;
  }

  /** Sends as much of a body as the windows let it, and gives the offset behind that. */
  sendData(stream: ClientStream, piece: BodyPiece, isLast: boolean): number {
    return this.sender?.send(stream, piece, isLast) ?? piece.start;
  }

  /** Lets the server send as much again as the client has taken. */
  giveBack(stream: ClientStream): void {
    if (stream.id === 0 || stream.unreturned < streamWindow / 4 || this.isClosed) return;
    this.output?.add(numberFrame(frameType.windowUpdate, stream.id, stream.unreturned));
    stream.unreturned = 0;
  }

  /** A request is over; `code` tells the server to stop, null that nothing is left to say. */
  finished(stream: ClientStream, code: number | null): void {
    this.early.delete(stream);
    const wasUnderWay = stream.id !== 0 && this.streams.delete(stream.id);
    if (wasUnderWay && code !== null && !this.isClosed)
      this.output?.add(numberFrame(frameType.resetStream, stream.id, code));
    if (wasUnderWay && code === null) this.hasServed = true;
    if (this.count > 0 || this.isClosed) return;
    if (this.isLeaving) this.close("it is not needed any more");
    else this.home.idle(this);
  }

  takeFrame(head: FrameHead, { bytes, end, start }: Payload): number | null {
    switch (head.type) {
      case frameType.data:
        return this.takeData(head, bytes, start);
      case frameType.settings:
        return this.takeSettings(head, bytes, start);
      case frameType.windowUpdate:
        return this.takeWindowUpdate(head, bytes, start);
      case frameType.ping:
        if (head.length !== 8) return errorCode.frameSize;
        if ((head.flags & flag.ack) === 0) this.output?.add(pingAck(bytes.subarray(start, end)));
        return null;
      case frameType.resetStream: {
        if (head.length !== 4) return errorCode.frameSize;
        const code = bytes.readUInt32BE(start);
        // RFC 9113 §8.7: a refused stream was not looked at.
        const failure = code === errorCode.refusedStream ? "closed" : "protocol";
        this.streams.get(head.stream)?.fail(failure, `the server reset the stream (error ${code})`);
        return null;
      }
      case frameType.goAway:
        return head.length < 8
          ? errorCode.frameSize
          : this.takeGoAway(bytes.readUInt32BE(start) & 0x7fff_ffff);
      case frameType.pushPromise:
        return errorCode.protocol;
      default:
        return null;
    }
  }

  takeBlock(id: number, endsStream: boolean, { bytes, end, start }: Payload): number | null {
    const outcome = this.decoder.decode(bytes, start, end);
    if (outcome === "malformed") return errorCode.compression;
    const stream = this.streams.get(id);
    if (outcome === "too-large") stream?.fail("protocol", "too many fields");
    else stream?.takeFields(this.decoder.fields, fields, endsStream);
    return null;
  }

  private start(stream: ClientStream): void {
    if (this.early.delete(stream)) stream.ready();
  }

  private takeData(head: FrameHead, bytes: Buffer, start: number): number | null {
    const isPadded = (head.flags & flag.padded) !== 0;
    const padding = isPadded ? (bytes[start] ?? 0) + 1 : 0;
    if (padding > head.length || head.stream === 0) return errorCode.protocol;
    this.unreturned += head.length;
    if (this.unreturned >= largestWindow / 4) {
      this.output?.add(numberFrame(frameType.windowUpdate, 0, this.unreturned));
      this.unreturned = 0;
    }
    const stream = this.streams.get(head.stream);
    if (stream === undefined) return null;
    const from = isPadded ? start + 1 : start;
    const to = start + head.length - Math.max(0, padding - 1);
    stream.takeData(Buffer.from(bytes.subarray(from, to)), (head.flags & flag.endStream) !== 0);
    stream.received(head.length);
    return null;
  }

  private takeSettings(head: FrameHead, bytes: Buffer, start: number): number | null {
    if ((head.flags & flag.ack) !== 0) return null;
    if (head.length % 6 !== 0) return errorCode.frameSize;
    const before = this.peer.initialWindowSize;
    const code = readSettings(bytes, start, start + head.length, this.peer);
    if (code !== null) return code;
    this.encoder.limit(this.peer.headerTableSize);
    const change = this.peer.initialWindowSize - before;
    for (const stream of this.streams.values()) stream.window += change;
    this.output?.add(settingsAck);
    if (change > 0) for (const stream of this.streams.values()) stream.pump();
    return null;
  }

  private takeWindowUpdate(head: FrameHead, bytes: Buffer, start: number): number | null {
    if (head.length !== 4) return errorCode.frameSize;
    const more = bytes.readUInt32BE(start) & 0x7fff_ffff;
    if (head.stream === 0) {
      if (this.sender?.widen(more) !== true) return errorCode.flowControl;
      for (const stream of this.streams.values()) stream.pump();
      return null;
    }
    const stream = this.streams.get(head.stream);
    if (stream === undefined) return null;
    stream.window += more;
    stream.pump();
    return null;
  }

  /** RFC 9113 §6.8: streams above the last were not looked at, and may be sent again elsewhere. */
  private takeGoAway(last: number): null {
    this.leave();
    for (const [id, stream] of this.streams) if (id > last) stream.fail("closed", "the server is going away");
    if (this.count === 0) this.close("the server is going away");
    return null;
  }

  private leave(): void {
    if (this.isLeaving) return;
    this.isLeaving = true;
    this.home.left(this);
  }
}

function noHttp2(wire: Wire): string | null {
  return negotiatedProtocol(wire) === "h2" ? null : "the server does not speak HTTP/2";
}
