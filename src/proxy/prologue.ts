import type { Engine, OpenClient } from "./engine.ts";
import { clientPreface } from "./http2/frames.ts";
import { localAddressOf, type SocketOwner, type Wire } from "./sockets.ts";
import type { Swept } from "./sweep.ts";

/** Owns a client's socket in clear text until its first bytes tell which version of HTTP it speaks (RFC 9113 §3.3). */
export class Prologue implements SocketOwner, OpenClient, Swept {
  private readonly engine: Engine;
  private readonly wire: Wire;
  private readonly deadline: number;
  private readonly onKnown: (isHttp2: boolean) => SocketOwner;
  private held: Buffer | null = null;
  private isOver = false;

  /** `onKnown` gives the socket its next owner. */
  constructor(engine: Engine, wire: Wire, limitMs: number, onKnown: (isHttp2: boolean) => SocketOwner) {
    this.engine = engine;
    this.wire = wire;
    this.deadline = engine.sweep.after(limitMs);
    this.onKnown = onKnown;
    engine.clients.add(this);
    engine.sweep.add(this);
  }

  received(bytes: Buffer): void {
    const all = this.held === null ? bytes : Buffer.concat([this.held, bytes]);
    const length = Math.min(all.length, clientPreface.length);
    const isLike = all.compare(clientPreface, 0, length, 0, length) === 0;
    if (isLike && length < clientPreface.length) this.held = all;
    else this.pass(all, isLike);
  }

  drained(): void {
    // Nothing was written.
  }

  ended(): void {
    // What came before may be answered; the next owner hears of the end.
    const owner = this.pass(this.held ?? Buffer.alloc(0), false);
    owner.ended();
  }

  closed(): void {
    this.leave();
  }

  sweep(now: number): void {
    if (now >= this.deadline) this.cut();
  }

  closeSoon(): void {
    // What follows it sees that the process drains.
  }

  cut(): void {
    this.leave();
    this.wire.terminate();
  }

  end(): void {
    this.cut();
  }

  get localAddress(): string {
    return localAddressOf(this.wire);
  }

  get standing(): OpenClient["standing"] {
    return this.isOver ? "ended" : "in use";
  }

  readonly writtenBytes = 0;

  private pass(bytes: Buffer, isHttp2: boolean): SocketOwner {
    this.leave();
    const owner = this.onKnown(isHttp2);
    this.wire.data = owner;
    if (bytes.length > 0) owner.received(bytes);
    return owner;
  }

  private leave(): void {
    this.isOver = true;
    this.engine.sweep.remove(this);
    this.engine.clients.delete(this);
  }
}
