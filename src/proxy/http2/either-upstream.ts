import type { SentHead } from "../sent-head.ts";
import type { BodyPiece } from "../body-piece.ts";
import type { UpstreamStream } from "../upstream-stream.ts";

/** A request that goes to a server in HTTP/2 if that can be, and in HTTP/1.1 as soon as it turns out that it cannot. */
export class EitherUpstream implements UpstreamStream {
  private inner: UpstreamStream;

  /** `first` is told what to call if it cannot be; `second` is asked then. */
  constructor(first: (refused: () => void) => UpstreamStream, second: () => UpstreamStream) {
    this.inner = first(() => void (this.inner = second()));
  }

  get isReused(): boolean {
    return this.inner.isReused;
  }

  get isBlocked(): boolean {
    return this.inner.isBlocked;
  }

  sendRequest(head: SentHead, isChunked: boolean, piece: BodyPiece | null, isLast: boolean): boolean {
    return this.inner.sendRequest(head, isChunked, piece, isLast);
  }

  sendBody(piece: BodyPiece, isLast: boolean): void {
    this.inner.sendBody(piece, isLast);
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  release(isRequestSent: boolean): void {
    this.inner.release(isRequestSent);
  }

  discard(): void {
    this.inner.discard();
  }
}
