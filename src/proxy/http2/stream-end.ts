import { TunnelEnd } from "../tunnel-end.ts";
import type { FramedStream } from "./framed-stream.ts";

/** Whoever a stream belongs to. */
export interface StreamHome {
  readonly localAddress: string;
  /** Both halves of the tunnel have ended; the peer may not have ended its half of the stream. */
  close(): void;
  /** Resets the stream. */
  cut(): void;
}

/**
 * A side of a tunnel that is a stream of HTTP/2 (RFC 8441 §5): END_STREAM stands for FIN, RST_STREAM with CANCEL for a reset, and
 * the stream's window for reading no more.
 */
export class StreamEnd extends TunnelEnd {
  override total = 0;
  private readonly stream: FramedStream;
  private readonly home: StreamHome;
  private isPaused = false;
  private pausedBytes = 0;

  constructor(stream: FramedStream, home: StreamHome) {
    super();
    this.stream = stream;
    this.home = home;
  }

  /** DATA came on the stream. */
  arrived(bytes: Buffer, isEnd: boolean): void {
    if (bytes.length > 0) {
      this.pass(bytes);
      if (this.isPaused) this.pausedBytes += bytes.length;
      else this.stream.consumed(bytes.length);
    }
    if (isEnd) this.ended();
  }

  /** All that was handed in is sent. */
  drained(): void {
    this.emptied();
  }

  override get localAddress(): string {
    return this.home.localAddress;
  }

  override get isBlocked(): boolean {
    return this.stream.isBlocked;
  }

  override pause(): void {
    this.isPaused = true;
  }

  override resume(): void {
    this.isPaused = false;
    this.stream.consumed(this.pausedBytes);
    this.pausedBytes = 0;
  }

  override close(): void {
    this.home.close();
  }

  override cut(): void {
    this.home.cut();
  }

  protected override write(bytes: Buffer): boolean {
    this.total += bytes.length;
    return this.stream.send({ bytes, start: 0, end: bytes.length }, false);
  }

  protected override shutdown(): void {
    this.stream.send({ bytes: Buffer.alloc(0), start: 0, end: 0 }, true);
  }
}
