import { ChunkedDecoder } from "./chunked-decoder.ts";
import { chunkedBody, untilCloseBody } from "./request-head.ts";

/** Takes the body of one message after another out of what arrives on a connection. */
export class BodyReader {
  /** Where the payload of the last piece stands in it. */
  payloadStart = 0;
  payloadEnd = 0;
  isDone = true;
  isFaulty = false;
  /** Payload bytes of this body so far. */
  total = 0;
  private length = 0;
  private readonly isServers: boolean;
  private decoder: ChunkedDecoder | null = null;

  /** Those of clients, or of a server. */
  constructor(isServers = false) {
    this.isServers = isServers;
  }

  /** Starts with a body of this many bytes, or of `chunkedBody` or `untilCloseBody`. */
  begin(length: number): void {
    this.length = length;
    this.isDone = length === 0;
    this.isFaulty = false;
    this.total = 0;
    if (length === chunkedBody) {
      this.decoder ??= new ChunkedDecoder(this.isServers);
      this.decoder.reset();
    }
  }

  /** The trailer field lines of a body that is done, each with its line end. */
  get trailers(): string {
    return this.length === chunkedBody && this.decoder !== null ? this.decoder.trailers : "";
  }

  /** Takes what belongs to the body out of `bytes` and gives the offset behind it. */
  take(bytes: Uint8Array, start: number, end: number): number {
    let next = end;
    this.payloadStart = start;
    if (this.length === chunkedBody && this.decoder !== null) {
      next = this.decoder.decode(bytes, start, end);
      this.payloadStart = this.decoder.payloadStart;
      this.payloadEnd = this.decoder.payloadEnd;
      this.isDone = this.decoder.isDone;
      this.isFaulty = this.decoder.isFaulty;
    } else if (this.length === untilCloseBody) {
      this.payloadEnd = end;
    } else {
      next = Math.min(end, start + this.length - this.total);
      this.payloadEnd = next;
      this.isDone = this.total + next - start === this.length;
    }
    this.total += this.payloadEnd - this.payloadStart;
    return next;
  }

  /** Tells that the connection ended; true if that is how this body ends. */
  finish(): boolean {
    if (this.length === untilCloseBody) this.isDone = true;
    return this.isDone;
  }
}
