import { drainIdleMs, clientStallMs, type Engine, type OpenClient } from "../engine.ts";
import type { ForwardedBy } from "../headers.ts";
import { FieldTable } from "../http1/field-table.ts";
import { isFault } from "../http1/request-head.ts";
import { InputBuffer } from "../input-buffer.ts";
import type { Listener } from "../listener.ts";
import { RequestRecord } from "../request-record.ts";
import { RequestView } from "../request-view.ts";
import { localAddressOf, type SocketOwner, type Wire } from "../sockets.ts";
import type { Swept } from "../sweep.ts";
import type { BodyPiece } from "../upstream-connection.ts";
import { DataSender } from "./data-sender.ts";
import { FloodBudget } from "./flood-budget.ts";
import {
  errorCode,
  flag,
  frameType,
  goAwayFrame,
  numberFrame,
  pingAck,
  settingsAck,
  type FrameHead,
} from "./frames.ts";
import { FrameReader, type FrameTaker, type Payload } from "./frame-reader.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HeaderBlocks } from "./header-blocks.ts";
import { FrameOutput } from "./output.ts";
import { readHttp2Request } from "./request.ts";
import {
  connectionWindow,
  initialWindow,
  largestWindow,
  listLimits,
  maxStreams,
  preamble,
  readSettings,
  streamWindow,
  tableBytes,
} from "./settings.ts";
import { ServerStream } from "./stream.ts";

// Shared: what is read is used within the turn.
const requestFields = new FieldTable(listLimits.fields + 2);

/**
 * A client's connection in HTTP/2 (RFC 9113), with its streams. What is wrong with a stream resets that stream; what is
 * wrong with the connection, or floods it, ends it with GOAWAY.
 */
export class Http2Connection implements SocketOwner, OpenClient, Swept, FrameTaker {
  readonly engine: Engine;
  readonly listener: Listener;
  private readonly wire: Wire;
  private readonly by: ForwardedBy;
  private readonly output: FrameOutput;
  private readonly input = new InputBuffer();
  private readonly reader = new FrameReader(this, "client");
  private readonly streams = new Map<number, ServerStream>();
  private readonly decoder = new HpackDecoder(tableBytes, listLimits);
  /** Writes the heads of responses. */
  readonly blocks: HeaderBlocks;
  private readonly sender: DataSender;
  private readonly budget: FloodBudget;
  private readonly peer = {
    headerTableSize: tableBytes,
    initialWindowSize: initialWindow,
    maxConcurrentStreams: 0,
  };
  private view: RequestView | null = null;
  private lastStream = 0;
  private unreturned = 0;
  /** What we let the client send on all streams. */
  private room = connectionWindow;
  private isGoingAway = false;
  private isClosed = false;
  private deadline: number;
  private progressBy = Number.POSITIVE_INFINITY;

  constructor(engine: Engine, listener: Listener, wire: Wire, by: ForwardedBy) {
    this.engine = engine;
    this.listener = listener;
    this.wire = wire;
    this.by = by;
    this.output = new FrameOutput(wire);
    this.blocks = new HeaderBlocks(this.output, tableBytes);
    this.sender = new DataSender(this.output, initialWindow);
    this.budget = new FloodBudget(engine.sweep.now);
    this.deadline = engine.sweep.after(listener.plan.headTimeoutMs);
    engine.clients.add(this);
    engine.sweep.add(this);
    this.output.add(preamble);
    this.output.add(numberFrame(frameType.windowUpdate, 0, connectionWindow - initialWindow));
  }

  received(bytes: Buffer): void {
    if (this.isClosed) return;
    this.input.add(bytes);
    while (!this.isClosed) {
      const code = this.reader.next(this.input);
      if (code === null) return;
      if (code !== errorCode.none) this.fail(code);
    }
  }

  drained(): void {
    if (this.isClosed || !this.output.drained()) return;
    this.progressBy = Number.POSITIVE_INFINITY;
    this.pump();
  }

  ended(): void {
    this.close(true);
  }

  closed(): void {
    this.close(false);
  }

  sweep(now: number): void {
    for (const stream of this.streams.values()) stream.sweep(now);
    if (this.isClosed) return;
    if (now >= this.progressBy) this.cut();
    else if (this.streams.size === 0 && now >= this.deadline) this.end();
    else if (this.output.isBlocked)
      this.progressBy = Math.min(this.progressBy, this.engine.sweep.after(clientStallMs));
  }

  closeSoon(): void {
    if (this.isClosed || this.isGoingAway) return;
    this.isGoingAway = true;
    // First only a warning: requests that are on their way are still served (RFC 9113 §6.8).
    this.output.add(goAwayFrame(largestWindow, errorCode.none));
    this.deadline = Math.min(this.deadline, this.engine.sweep.after(drainIdleMs));
  }

  get localAddress(): string {
    return localAddressOf(this.wire);
  }

  get standing(): OpenClient["standing"] {
    if (this.isClosed) return "ended";
    return this.streams.size > 0 || this.output.isBlocked ? "in use" : "idle";
  }

  get writtenBytes(): number {
    return this.output.total;
  }

  end(): void {
    this.fail(errorCode.none);
  }

  cut(): void {
    this.wire.terminate();
    this.close(false);
  }

  /** Whether the socket takes no more for now. */
  get isBlocked(): boolean {
    return this.output.isBlocked;
  }

  /** Sends as much of a body as the windows let it, and gives the offset behind that. */
  sendData(stream: ServerStream, piece: BodyPiece, isLast: boolean): number {
    return this.sender.send(stream, piece, isLast);
  }

  /** The server has taken so many bytes of a request body: the client may send as many more. */
  consumed(stream: ServerStream, bytes: number): void {
    this.giveBack(bytes);
    stream.unreturned += bytes;
    if (stream.isRemoteDone || this.isClosed || stream.unreturned < streamWindow / 4) return;
    this.output.add(numberFrame(frameType.windowUpdate, stream.id, stream.unreturned));
    stream.room += stream.unreturned;
    stream.unreturned = 0;
  }

  /** Ends a stream at once; the client sees that something is missing. */
  reset(stream: ServerStream, code: number): void {
    stream.cancelled();
    this.streams.delete(stream.id);
    if (!this.isClosed) this.output.add(numberFrame(frameType.resetStream, stream.id, code));
    this.settle();
  }

  /** The response of a stream is complete. */
  finished(stream: ServerStream): void {
    this.streams.delete(stream.id);
    // RFC 9113 §8.1: what is left of the request is not needed any more.
    if (!stream.isRemoteDone && !this.isClosed)
      this.output.add(numberFrame(frameType.resetStream, stream.id, errorCode.none));
    this.settle();
  }

  private settle(): void {
    if (this.streams.size > 0) return;
    const { sweep } = this.engine;
    this.deadline = sweep.after(this.isToClose ? drainIdleMs : this.listener.plan.idleTimeoutMs);
    if (this.isToClose) this.closeSoon();
  }

  private get isToClose(): boolean {
    const { departing, isDraining } = this.engine;
    return this.isGoingAway || isDraining || (departing.size > 0 && departing.has(this.localAddress));
  }

  private pump(): void {
    for (const stream of this.streams.values()) {
      if (this.output.isBlocked) return;
      stream.pump();
    }
  }

  /** Takes a frame; gives the error code of what ends the connection. */
  takeFrame(head: FrameHead, { bytes, start }: Payload): number | null {
    switch (head.type) {
      case frameType.data:
        return this.takeData(head, bytes, start);
      case frameType.settings:
        return this.takeSettings(head, bytes, start);
      case frameType.windowUpdate:
        return this.takeWindowUpdate(head, bytes, start);
      case frameType.ping:
        if (head.stream !== 0) return errorCode.protocol;
        if (head.length !== 8) return errorCode.frameSize;
        if ((head.flags & flag.ack) !== 0) return null;
        this.output.add(pingAck(bytes.subarray(start, start + 8)));
        return this.spend();
      case frameType.resetStream:
        return this.takeReset(head);
      case frameType.priority:
        if (head.stream === 0) return errorCode.protocol;
        return head.length === 5 ? this.spend() : errorCode.frameSize;
      case frameType.goAway:
        return head.stream === 0 ? null : errorCode.protocol;
      case frameType.pushPromise:
        return errorCode.protocol; // RFC 9113 §8.4
      default:
        return this.spend(); // §5.5: ignored
    }
  }

  private spend(): number | null {
    return this.budget.take(performance.now()) ? null : errorCode.enhanceYourCalm;
  }

  private takeData(head: FrameHead, bytes: Buffer, start: number): number | null {
    if (head.stream === 0) return errorCode.protocol;
    const padding = (head.flags & flag.padded) === 0 ? 0 : (bytes[start] ?? 0) + 1;
    if (padding > head.length) return errorCode.protocol;
    this.room -= head.length;
    if (this.room < 0) return errorCode.flowControl; // RFC 9113 §6.9.1
    const stream = this.streams.get(head.stream);
    const isEnd = (head.flags & flag.endStream) !== 0;
    if (head.length === 0 && !isEnd && this.spend() !== null) return errorCode.enhanceYourCalm;
    if (stream === undefined) {
      if (head.stream > this.lastStream) return errorCode.protocol; // idle (§5.1)
      this.giveBack(head.length);
      return this.spend();
    }
    if (stream.isRemoteDone) {
      this.reset(stream, errorCode.streamClosed);
      this.giveBack(head.length);
      return null;
    }
    stream.room -= head.length;
    if (stream.room < 0) return errorCode.flowControl;
    const from = (head.flags & flag.padded) === 0 ? start : start + 1;
    const to = start + head.length - Math.max(0, padding - 1);
    this.consumed(stream, head.length - (to - from)); // padding counts too (§6.1)
    if (!stream.received(Buffer.from(bytes.subarray(from, to)), isEnd))
      this.reset(stream, errorCode.protocol);
    return null;
  }

  /** Widens the connection's window again, in large steps. */
  private giveBack(bytes: number): void {
    this.unreturned += bytes;
    if (this.isClosed || this.unreturned < connectionWindow / 4) return;
    this.output.add(numberFrame(frameType.windowUpdate, 0, this.unreturned));
    this.room += this.unreturned;
    this.unreturned = 0;
  }

  /** Takes a header block: a request's, or its trailers. */
  takeBlock(id: number, endsStream: boolean, { bytes, end, start }: Payload): number | null {
    const outcome = this.decoder.decode(bytes, start, end);
    if (outcome === "malformed") return errorCode.compression;
    const known = this.streams.get(id);
    if (known !== undefined) return this.takeTrailers(known, endsStream);
    if (id <= this.lastStream) return this.spend() ?? errorCode.streamClosed;
    this.lastStream = id;
    if (this.streams.size >= maxStreams) {
      this.output.add(numberFrame(frameType.resetStream, id, errorCode.refusedStream));
      return this.spend();
    }
    const record = new RequestRecord(this.engine, this.by);
    const window = this.peer.initialWindowSize;
    const windows = { window, room: streamWindow };
    const stream = new ServerStream({ connection: this, id, ...windows, isRemoteDone: endsStream, record });
    this.streams.set(id, stream);
    this.begin(stream, outcome === "too-large", endsStream);
    return null;
  }

  private begin(stream: ServerStream, isTooLarge: boolean, endsStream: boolean): void {
    const head = isTooLarge
      ? ({ status: 431, reason: "too-many-fields" } as const)
      : readHttp2Request(this.decoder.fields, requestFields, endsStream);
    if (head === null) {
      this.reset(stream, errorCode.protocol);
      return;
    }
    if (!isFault(head)) this.view ??= new RequestView(this.by, head, requestFields);
    stream.begin(head, this.view);
  }

  /** Trailers of a request end it; no server of HTTP/1.1 is told of them (RFC 9110 §6.5.1). */
  private takeTrailers(stream: ServerStream, endsStream: boolean): number | null {
    const hasPseudo = this.decoder.fields.some(({ name }) => name.startsWith(":"));
    if (stream.isRemoteDone) this.reset(stream, errorCode.streamClosed);
    else if (!endsStream || hasPseudo || !stream.received(Buffer.alloc(0), true))
      this.reset(stream, errorCode.protocol); // RFC 9113 §8.1
    return null;
  }

  private takeSettings(head: FrameHead, bytes: Buffer, start: number): number | null {
    if (head.stream !== 0) return errorCode.protocol;
    if ((head.flags & flag.ack) !== 0) return head.length === 0 ? null : errorCode.frameSize;
    if (head.length % 6 !== 0) return errorCode.frameSize;
    const before = this.peer.initialWindowSize;
    const code = readSettings(bytes, start, start + head.length, this.peer);
    if (code !== null) return code;
    this.blocks.limitTable(this.peer.headerTableSize);
    const change = this.peer.initialWindowSize - before;
    for (const stream of this.streams.values()) {
      stream.window += change; // RFC 9113 §6.9.2
      if (stream.window > largestWindow) return errorCode.flowControl;
    }
    this.output.add(settingsAck);
    if (change > 0) this.pump();
    return this.spend();
  }

  private takeWindowUpdate(head: FrameHead, bytes: Buffer, start: number): number | null {
    if (head.length !== 4) return errorCode.frameSize;
    const more = bytes.readUInt32BE(start) & 0x7fff_ffff;
    const stream = this.streams.get(head.stream);
    if (head.stream === 0) {
      if (more === 0) return errorCode.protocol;
      if (!this.sender.widen(more)) return errorCode.flowControl;
      this.pump();
    } else if (stream !== undefined) {
      stream.window += more;
      if (more === 0) this.reset(stream, errorCode.protocol);
      else if (stream.window > largestWindow) this.reset(stream, errorCode.flowControl);
      else stream.pump();
    } else if (head.stream > this.lastStream) {
      return errorCode.protocol;
    }
    return null;
  }

  private takeReset(head: FrameHead): number | null {
    if (head.stream === 0 || head.stream > this.lastStream) return errorCode.protocol;
    if (head.length !== 4) return errorCode.frameSize;
    const stream = this.streams.get(head.stream);
    stream?.cancelled();
    this.streams.delete(head.stream);
    this.settle();
    return this.spend();
  }

  /** Ends the connection with a word on why. */
  private fail(code: number): void {
    if (this.isClosed) return;
    this.output.add(goAwayFrame(this.lastStream, code));
    this.output.flush();
    this.wire.shutdown();
    this.close(true);
  }

  private close(isOrderly: boolean): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const stream of this.streams.values()) stream.cancelled();
    this.streams.clear();
    this.engine.sweep.remove(this);
    this.engine.clients.delete(this);
    if (isOrderly) this.wire.end();
  }
}
