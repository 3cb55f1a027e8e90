import type { Engine, OpenClient } from "../engine.ts";
import { localAddressOf, type SocketOwner, type Wire } from "../sockets.ts";
import type { Swept } from "../sweep.ts";

/** Owns a client's socket while the two agree on keys; it is cut if that takes too long. */
export class Handshake implements SocketOwner, OpenClient, Swept {
  private readonly engine: Engine;
  private readonly wire: Wire;
  private readonly deadline: number;
  private readonly onSecured: (wire: Wire) => void;
  private isOver = false;

  constructor(engine: Engine, wire: Wire, limitMs: number, onSecured: (wire: Wire) => void) {
    this.engine = engine;
    this.wire = wire;
    this.deadline = engine.sweep.after(limitMs);
    this.onSecured = onSecured;
    engine.clients.add(this);
    engine.sweep.add(this);
  }

  /** The handshake is over; `hasFailed` if there are no keys. */
  secured(hasFailed: boolean): void {
    if (this.isOver) return;
    this.leave();
    if (hasFailed) this.wire.terminate();
    else this.onSecured(this.wire);
  }

  sweep(now: number): void {
    if (now >= this.deadline) this.cut();
  }

  received(): void {
    // Nothing is decrypted before there are keys.
  }

  drained(): void {
    // Nothing was written.
  }

  ended(): void {
    this.cut();
  }

  closed(): void {
    this.leave();
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

  private leave(): void {
    this.isOver = true;
    this.engine.sweep.remove(this);
    this.engine.clients.delete(this);
  }
}
