import { kept } from "./body-memory.ts";
import { drainIdleMs, type Engine, type OpenClient } from "./engine.ts";
import { localAddressOf, type SocketOwner, type Wire } from "./sockets.ts";
import type { Swept } from "./sweep.ts";

/** Owns a client's socket until enough is known to give it its next owner; it is cut if that takes too long. */
export abstract class WaitingClient implements SocketOwner, OpenClient, Swept {
  readonly writtenBytes: number = 0;
  protected readonly engine: Engine;
  protected readonly wire: Wire;
  /** What came and does not tell enough yet. */
  protected held: Buffer | null = null;
  private deadline: number;
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
    this.deadline = Math.min(this.deadline, this.engine.sweep.after(drainIdleMs));
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
    if (this.isOver) return "ended";
    return this.isSilent ? "idle" : "in use";
  }

  /** Whether the client has sent nothing yet. */
  protected get isSilent(): boolean {
    return this.held === null;
  }

  /** Puts what comes behind what is held. */
  protected behindHeld(bytes: Buffer): Buffer {
    return this.held === null ? bytes : Buffer.concat([this.held, bytes]);
  }

  /** Holds what does not tell enough yet. */
  protected hold(bytes: Buffer): void {
    this.held = kept(bytes);
  }

  /** Waits no more: the socket gets its next owner, or is gone. */
  protected leave(): void {
    this.isOver = true;
    this.engine.sweep.remove(this);
    this.engine.clients.delete(this);
  }
}
