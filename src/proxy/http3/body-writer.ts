import type { BodyPiece } from "../body-piece.ts";
import { addLines, emptyBlock } from "./fields.ts";
import { drainable, type RequestStream, type StreamWriter } from "./quic-stream.ts";

/** So much is handed in at a time: the runtime takes any length as long as there is room for one byte. */
const stepBytes = 64 * 1024;

/** Writes the body of a response to a stream of QUIC, which frames it (RFC 9114 §7.2.1). */
export class BodyWriter {
  private readonly quic: RequestStream;
  private readonly onRoom: () => void;
  private writer: StreamWriter | null = null;
  private isWaiting = false;

  /** `onRoom` hears that it takes more again. */
  constructor(quic: RequestStream, onRoom: () => void) {
    this.quic = quic;
    this.onRoom = onRoom;
  }

  /** Writes as much as there is room for, and gives the offset behind that. What the client wants no more counts as written. */
  write({ bytes, end, start }: BodyPiece): number {
    let at = start;
    while (at < end) {
      const to = Math.min(end, at + stepBytes);
      const writer = this.open();
      if (writer === null || writer.desiredSize === null) return end;
      if (this.isWaiting || !writer.writeSync(bytes.subarray(at, to))) {
        this.wait(writer);
        return at;
      }
      at = to;
    }
    return at;
  }

  /** Ends the stream, with trailers if there are any. */
  end(trailers: string): void {
    const writer = this.open();
    if (writer === null) return;
    if (trailers !== "") {
      const block = emptyBlock();
      addLines(block, trailers);
      this.quic.onwanttrailers = () => {
        this.quic.sendTrailers(block);
      };
    }
    writer.endSync();
  }

  private open(): StreamWriter | null {
    if (this.quic.destroyed) return null;
    this.writer ??= this.quic.writer;
    return this.writer;
  }

  private wait(writer: StreamWriter): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    const roomMade = (): void => {
      this.isWaiting = false;
      this.onRoom();
    };
    // One that is closed meanwhile takes everything.
    (writer[drainable]() ?? Promise.resolve(true)).then(roomMade, roomMade);
  }
}
