import { InputBuffer } from "../input-buffer.ts";
import type { Wire } from "../sockets.ts";
import type { BodyPiece } from "../body-piece.ts";
import { DataSender, type SendingStream } from "./data-sender.ts";
import type { FloodBudget } from "./flood-budget.ts";
import { FrameReader, type FrameTaker, type Payload } from "./frame-reader.ts";
import { errorCode, flag, frameType, numberFrame, pingAck, settingsAck, type FrameHead } from "./frames.ts";
import type { FramedStream, StreamCarrier } from "./framed-stream.ts";
import { HeaderBlocks } from "./header-blocks.ts";
import { HpackDecoder, type Field, type ListLimits } from "./hpack-decoder.ts";
import { FrameOutput } from "./output.ts";
import {
  initialWindow,
  largestWindow,
  newPeerSettings,
  readSettings,
  tableBytes,
  type PeerSettings,
} from "./settings.ts";

/** A header block, and whether it is larger than allowed: then its fields are not all there. */
export interface ReadBlock {
  readonly fields: readonly Field[];
  readonly endsStream: boolean;
  readonly isTooLarge: boolean;
}

/** What the two sides of HTTP/2 do each in its own way. */
export interface SessionUser {
  /** Takes a header block on a stream that is not open; gives the error code of what ends the connection, or null. */
  takeHead(id: number, block: ReadBlock): number | null;
  /** Whether a stream has not been used yet (RFC 9113 §5.1). */
  isIdle(id: number): boolean;
  /** The peer takes no streams above this one any more. */
  goingAway(lastStream: number): void;
  /** The peer's settings were read. */
  settingsRead(): void;
  /** The peer broke the rules of the connection: it has to end. */
  violated(code: number): void;
}

/** How a side of HTTP/2 speaks. */
export interface SessionOptions {
  readonly user: SessionUser;
  readonly wire: Wire;
  /** Who is at the other end. */
  readonly from: "client" | "server";
  readonly limits: ListLimits;
  /** Bytes that the peer may send ahead of what is used up: on each stream, and on all of them. */
  readonly windows: { readonly stream: number; readonly connection: number };
  /** Bounds what costs the peer nothing; null trusts it. */
  readonly budget: FloodBudget | null;
  /** What is sent first, with SETTINGS that name the window of streams. */
  readonly preamble: Buffer;
}

/**
 * Frames in and out on one connection, the same for a client's and a server's (RFC 9113 §4 to §6): header blocks, flow
 * control both ways, settings. What requests and responses are, and when a connection ends, is its user's.
 */
export class FrameSession<S extends FramedStream> implements FrameTaker, StreamCarrier {
  readonly streams: Map<number, S> = new Map<number, S>();
  readonly blocks: HeaderBlocks;
  readonly output: FrameOutput;
  /** What the peer has told of itself. */
  readonly peer: PeerSettings = newPeerSettings();
  /** Once set, nothing is read any more. */
  isOver = false;
  private readonly user: SessionUser;
  private readonly windows: SessionOptions["windows"];
  private readonly budget: FloodBudget | null;
  private readonly input = new InputBuffer();
  private readonly reader: FrameReader;
  private readonly decoder: HpackDecoder;
  private readonly sender: DataSender;
  /** What we let the peer send on all streams. */
  private room: number;
  private unreturned = 0;

  constructor(o: SessionOptions) {
    this.user = o.user;
    this.windows = o.windows;
    this.budget = o.budget;
    this.room = o.windows.connection;
    this.output = new FrameOutput(o.wire);
    this.blocks = new HeaderBlocks(this.output, tableBytes);
    this.sender = new DataSender(this.output, initialWindow);
    this.reader = new FrameReader(this, o.from, o.limits.bytes);
    this.decoder = new HpackDecoder(tableBytes, o.limits);
    this.output.add(o.preamble);
    this.output.add(numberFrame(frameType.windowUpdate, 0, o.windows.connection - initialWindow));
  }

  /** Reads what has arrived. */
  received(bytes: Buffer): void {
    if (this.isOver) return;
    this.input.add(bytes);
    while (!this.isOver) {
      const code = this.reader.next(this.input);
      if (code === null) {
        this.input.keep();
        return;
      }
      if (code !== errorCode.none) this.user.violated(code);
    }
  }

  /** The socket takes bytes again; true if nothing waits for it any more. */
  drained(): boolean {
    if (!this.output.drained()) return false;
    this.pump();
    return true;
  }

  get isBlocked(): boolean {
    return this.output.isBlocked;
  }

  /** Opens a stream. */
  open(stream: S, id: number): void {
    stream.attach(this, id);
    stream.window = this.peer.initialWindowSize;
    stream.room = this.windows.stream;
    this.streams.set(id, stream);
  }

  /** Forgets a stream, and resets it unless the code is null; true if it was open. */
  close(stream: FramedStream, code: number | null): boolean {
    if (!this.streams.delete(stream.id)) return false;
    this.giveBack(stream.held);
    stream.held = 0;
    if (code !== null) this.reset(stream.id, code);
    return true;
  }

  /** Says that nothing more is wanted of a stream. */
  reset(id: number, code: number): void {
    if (!this.isOver) this.output.add(numberFrame(frameType.resetStream, id, code));
  }

  sendData(stream: SendingStream, piece: BodyPiece, isLast: boolean): number {
    return this.sender.send(stream, piece, isLast);
  }

  sendTrailers(stream: SendingStream, lines: string): void {
    this.blocks.trailers(stream.id, lines);
  }

  consumed(stream: FramedStream, bytes: number): void {
    const returned = Math.min(bytes, stream.held);
    stream.held -= returned;
    this.giveBack(returned);
    stream.unreturned += returned;
    if (stream.isRemoteDone || this.isOver || stream.unreturned < this.windows.stream / 4) return;
    this.output.add(numberFrame(frameType.windowUpdate, stream.id, stream.unreturned));
    stream.room += stream.unreturned;
    stream.unreturned = 0;
  }

  /** Counts what costs the peer nothing; gives the error code of too much of it, or null. */
  spend(): number | null {
    return this.budget === null || this.budget.take(performance.now()) ? null : errorCode.enhanceYourCalm;
  }

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
        if (head.stream === 0 || this.user.isIdle(head.stream)) return errorCode.protocol;
        if (head.length !== 4) return errorCode.frameSize;
        this.streams.get(head.stream)?.resetByPeer(bytes.readUInt32BE(start));
        return this.spend();
      case frameType.priority:
        if (head.stream === 0) return errorCode.protocol;
        return head.length === 5 ? this.spend() : errorCode.frameSize;
      case frameType.goAway:
        if (head.stream !== 0) return errorCode.protocol;
        if (head.length < 8) return errorCode.frameSize;
        this.user.goingAway(bytes.readUInt32BE(start) & 0x7fff_ffff);
        return null;
      case frameType.pushPromise:
        return errorCode.protocol; // RFC 9113 §8.4: none was allowed
      default:
        return this.spend(); // §5.5: ignored
    }
  }

  takeBlock(id: number, endsStream: boolean, { bytes, end, start }: Payload): number | null {
    const outcome = this.decoder.decode(bytes, start, end);
    if (outcome === "malformed") return errorCode.compression;
    const isTooLarge = outcome === "too-large";
    const { fields } = this.decoder;
    const stream = this.streams.get(id);
    if (stream === undefined) return this.user.takeHead(id, { fields, endsStream, isTooLarge });
    if (stream.isRemoteDone) {
      stream.violated(errorCode.streamClosed);
      return null;
    }
    stream.isRemoteDone = endsStream;
    stream.takeFields(fields, endsStream, isTooLarge);
    return null;
  }

  private takeData(head: FrameHead, bytes: Buffer, start: number): number | null {
    if (head.stream === 0) return errorCode.protocol;
    const isPadded = (head.flags & flag.padded) !== 0;
    const padding = isPadded ? (bytes[start] ?? 0) + 1 : 0;
    if (padding > head.length) return errorCode.protocol;
    this.room -= head.length;
    if (this.room < 0) return errorCode.flowControl; // RFC 9113 §6.9.1
    const stream = this.streams.get(head.stream);
    const isEnd = (head.flags & flag.endStream) !== 0;
    if (head.length === 0 && !isEnd && this.spend() !== null) return errorCode.enhanceYourCalm;
    if (stream === undefined) {
      if (this.user.isIdle(head.stream)) return errorCode.protocol; // §5.1
      this.giveBack(head.length);
      return this.spend();
    }
    if (stream.isRemoteDone) {
      this.giveBack(head.length);
      stream.violated(errorCode.streamClosed);
      return null;
    }
    stream.room -= head.length;
    if (stream.room < 0) return errorCode.flowControl;
    stream.held += head.length;
    if (padding > 0) this.consumed(stream, padding); // it counts too (§6.1)
    stream.isRemoteDone = isEnd;
    const from = isPadded ? start + 1 : start;
    const to = from + head.length - padding;
    stream.takeData(Buffer.from(bytes.subarray(from, to)), isEnd);
    return null;
  }

  /** Widens the connection's window again, in large steps. */
  private giveBack(bytes: number): void {
    this.unreturned += bytes;
    if (this.isOver || this.unreturned < this.windows.connection / 4) return;
    this.output.add(numberFrame(frameType.windowUpdate, 0, this.unreturned));
    this.room += this.unreturned;
    this.unreturned = 0;
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
    this.user.settingsRead();
    return this.spend();
  }

  private takeWindowUpdate(head: FrameHead, bytes: Buffer, start: number): number | null {
    if (head.length !== 4) return errorCode.frameSize;
    const more = bytes.readUInt32BE(start) & 0x7fff_ffff;
    if (head.stream === 0) {
      if (more === 0) return errorCode.protocol;
      if (!this.sender.widen(more)) return errorCode.flowControl;
      this.pump();
      return null;
    }
    const stream = this.streams.get(head.stream);
    if (stream === undefined) return this.user.isIdle(head.stream) ? errorCode.protocol : null;
    stream.window += more;
    if (more === 0) stream.violated(errorCode.protocol);
    else if (stream.window > largestWindow) stream.violated(errorCode.flowControl);
    else stream.pump();
    return null;
  }

  private pump(): void {
    for (const stream of this.streams.values()) {
      if (this.output.isBlocked) return;
      stream.pump();
    }
  }
}
