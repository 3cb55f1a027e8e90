import type { InputBuffer } from "../input-buffer.ts";
import {
  clientPreface,
  errorCode,
  flag,
  frameHeadBytes,
  frameType,
  maxPayloadBytes,
  readFrameHead,
  type FrameHead,
} from "./frames.ts";

/** Compressed, over all frames of a block, unless larger heads are allowed: a CONTINUATION flood ends here (CVE-2024-27316). */
const usualBlockBytes = 32 * 1024;
/** Frames beyond those that the bytes need. */
const spareBlockFrames = 14;

/** A frame's payload, or a header block that is complete; valid until more bytes arrive. */
export interface Payload {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Whoever takes what arrives; each gives the error code of what ends the connection, or null. */
export interface FrameTaker {
  /** Any frame but HEADERS and CONTINUATION. */
  takeFrame(head: FrameHead, payload: Payload): number | null;
  /** A whole header block (RFC 9113 §4.3). */
  takeBlock(stream: number, endsStream: boolean, block: Payload): number | null;
}

/** A header block that is not complete yet. */
interface OpenBlock {
  readonly stream: number;
  readonly endsStream: boolean;
  readonly pieces: Buffer[];
  bytes: number;
}

/** Takes a peer's bytes apart: a client's preface, then frames, those of a header block put together. */
export class FrameReader {
  private readonly taker: FrameTaker;
  private block: OpenBlock | null = null;
  private hasPreface: boolean;
  private hasSettings = false;
  private readonly maxBlockBytes: number;
  private readonly maxBlockFrames: number;

  /** `from` tells who sends: a server sends no preface but its SETTINGS (RFC 9113 §3.4). Heads may be `headBytes` long. */
  constructor(taker: FrameTaker, from: "client" | "server", headBytes: number) {
    this.taker = taker;
    this.maxBlockBytes = Math.max(usualBlockBytes, headBytes);
    this.maxBlockFrames = spareBlockFrames + Math.ceil(this.maxBlockBytes / maxPayloadBytes);
    this.hasPreface = from === "server";
  }

  /** Reads the preface or a frame, if it is complete: null if more has to arrive first, else an error code, which is 0 if all is well. */
  next(input: InputBuffer): number | null {
    const { bytes, end, start } = input;
    if (bytes === null) return null;
    if (!this.hasPreface) return this.preface(input, bytes);
    if (end - start < frameHeadBytes) return null;
    const head = readFrameHead(bytes, start);
    if (head.length > maxPayloadBytes) return errorCode.frameSize;
    const from = start + frameHeadBytes;
    if (from + head.length > end) return null;
    const { block } = this;
    if (block !== null && (head.type !== frameType.continuation || head.stream !== block.stream))
      return errorCode.protocol; // RFC 9113 §6.2
    if (!this.hasSettings && head.type !== frameType.settings) return errorCode.protocol; // §3.4
    this.hasSettings = true;
    // What takes it may let go of the input, but its bytes stay.
    input.consumeTo(from + head.length);
    return this.take(head, { bytes, start: from, end: from + head.length }) ?? 0;
  }

  private preface(input: InputBuffer, bytes: Buffer): number | null {
    const length = Math.min(clientPreface.length, input.length);
    if (bytes.compare(clientPreface, 0, length, input.start, input.start + length) !== 0)
      return errorCode.protocol;
    if (length < clientPreface.length) return null;
    this.hasPreface = true;
    input.consumeTo(input.start + length);
    return 0;
  }

  private take(head: FrameHead, payload: Payload): number | null {
    if (head.type === frameType.headers) return this.headers(head, payload);
    if (head.type === frameType.continuation) return this.continuation(head, payload);
    return this.taker.takeFrame(head, payload);
  }

  private headers(head: FrameHead, { bytes, end, start }: Payload): number | null {
    if (head.stream === 0 || head.stream % 2 === 0) return errorCode.protocol;
    let from = start;
    let to = end;
    if ((head.flags & flag.padded) !== 0) {
      to -= bytes[from] ?? 0;
      from += 1;
    }
    if ((head.flags & flag.priority) !== 0) from += 5;
    if (from > to) return errorCode.protocol;
    const endsStream = (head.flags & flag.endStream) !== 0;
    if ((head.flags & flag.endHeaders) !== 0)
      return this.taker.takeBlock(head.stream, endsStream, { bytes, start: from, end: to });
    const piece = Buffer.from(bytes.subarray(from, to));
    this.block = { stream: head.stream, endsStream, pieces: [piece], bytes: piece.length };
    return null;
  }

  private continuation(head: FrameHead, { bytes, end, start }: Payload): number | null {
    const { block } = this;
    if (block === null) return errorCode.protocol;
    block.pieces.push(Buffer.from(bytes.subarray(start, end)));
    block.bytes += end - start;
    if (block.bytes > this.maxBlockBytes || block.pieces.length > this.maxBlockFrames)
      return errorCode.enhanceYourCalm;
    if ((head.flags & flag.endHeaders) === 0) return null;
    this.block = null;
    const whole = Buffer.concat(block.pieces);
    return this.taker.takeBlock(block.stream, block.endsStream, {
      bytes: whole,
      start: 0,
      end: whole.length,
    });
  }
}
