import { letGo } from "../body-memory.ts";
import type { BodyPiece } from "../body-piece.ts";
import { flag, frameType, maxPayloadBytes } from "./frames.ts";
import type { FrameOutput } from "./output.ts";
import { largestWindow } from "./settings.ts";

/** A stream as far as its DATA is concerned. */
export interface SendingStream {
  readonly id: number;
  /** What the client lets us send. */
  window: number;
  /** Whether its last frame still waits for a window or the socket. */
  isEndHeld: boolean;
}

/** Sends DATA as far as the connection's window, the stream's and the socket let it (RFC 9113 §5.2). */
export class DataSender {
  private readonly output: FrameOutput;
  private window: number;

  constructor(output: FrameOutput, window: number) {
    this.output = output;
    this.window = window;
  }

  /** Widens the connection's window; false if it gets too large (RFC 9113 §6.9.1). */
  widen(bytes: number): boolean {
    this.window += bytes;
    return this.window <= largestWindow;
  }

  /** Sends as much of `piece` as it can and gives the offset behind that; with `isLast` the frame with its end ends the stream. */
  send(stream: SendingStream, piece: BodyPiece, isLast: boolean): number {
    const { bytes, end } = piece;
    let at = piece.start;
    stream.isEndHeld = isLast;
    while (!this.output.isBlocked) {
      // A window may be less than nothing (RFC 9113 §6.9.2).
      const length = Math.max(0, Math.min(end - at, maxPayloadBytes, this.window, stream.window));
      if (length === 0 && at < end) return at;
      const isEnd = at + length === end;
      const flags = isLast && isEnd ? flag.endStream : 0;
      if (length > 0 || flags !== 0)
        this.output.addFrame({ length, type: frameType.data, flags, stream: stream.id }, bytes, at);
      at += length;
      this.window -= length;
      stream.window -= length;
      if (!isEnd) continue;
      stream.isEndHeld = false;
      if (piece.isFree === true) letGo(bytes); // the frames have it
      return at;
    }
    return at;
  }
}
