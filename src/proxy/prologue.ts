import type { Engine } from "./engine.ts";
import { clientPreface } from "./http2/frames.ts";
import type { SocketOwner, Wire } from "./sockets.ts";
import { WaitingClient } from "./waiting-client.ts";

/** Waits until the first bytes in clear text tell which version of HTTP the client speaks (RFC 9113 §3.3). */
export class Prologue extends WaitingClient {
  private readonly onKnown: (isHttp2: boolean) => SocketOwner;

  /** `onKnown` gives the socket its next owner. */
  constructor(engine: Engine, wire: Wire, limitMs: number, onKnown: (isHttp2: boolean) => SocketOwner) {
    super(engine, wire, limitMs);
    this.onKnown = onKnown;
  }

  override received(bytes: Buffer): void {
    const all = this.behindHeld(bytes);
    const length = Math.min(all.length, clientPreface.length);
    const isLike = all.compare(clientPreface, 0, length, 0, length) === 0;
    if (isLike && length < clientPreface.length) this.hold(all);
    else this.pass(all, isLike);
  }

  override ended(): void {
    // What came before may be answered; the next owner hears of the end.
    const owner = this.pass(this.held ?? Buffer.alloc(0), false);
    owner.ended();
  }

  private pass(bytes: Buffer, isHttp2: boolean): SocketOwner {
    this.leave();
    const owner = this.onKnown(isHttp2);
    this.wire.data = owner;
    if (bytes.length > 0) owner.received(bytes);
    return owner;
  }
}
