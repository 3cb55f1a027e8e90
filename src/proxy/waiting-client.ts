import type { Engine, OpenClient } from "./engine.ts";
import { localAddressOf, type SocketOwner, type Wire } from "./sockets.ts";
import type { Swept } from "./sweep.ts";

/** Owns a client's socket until enough is known to give it its next owner; it is cut if that takes too long. */
export abstract class WaitingClient implements SocketOwner, OpenClient, Swept {
  readonly writtenBytes: number = 0;
  protected readonly engine: Engine;
  protected readonly wire: Wire;
  private readonly deadline: number;
  private isOver = false;

  constructor(engine: Engine, wire: Wire, limitMs: number) {
    this.engine = engine;
    this.wire = wire;
    this.deadline = engine.sweep.after(limitMs);
    engine.clients.add(this);
    engine.sweep.add(this);
  }

  abstract received(bytes: Buffer): void;

  drained(): void {
    // Nothing was written.
  }

  ended(): void {
    this.cut();
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

  /** Waits no more: the socket gets its next owner, or is gone. */
  protected leave(): void {
    this.isOver = true;
    this.engine.sweep.remove(this);
    this.engine.clients.delete(this);
  }
}
