import { lingerMs } from "./engine.ts";
import { Outbox } from "./outbox.ts";
import type { Carrier } from "./server-load.ts";
import { localAddressOf, type SocketOwner, type Wire } from "./sockets.ts";
import type { Sweep, Swept } from "./sweep.ts";

/** Bytes carried both ways between two sockets, each half closed on its own (RFC 9112 §9.6 does not end a tunnel at once). */
export class Tunnel implements Swept, Carrier {
  readonly near: TunnelEnd;
  readonly far: TunnelEnd;
  private readonly sweepList: Sweep;
  private readonly idleMs: number;
  private readonly onClosed: () => void;
  /** Whether the far side reset it before it said a word. */
  isRefused = false;
  private idleBy = 0;
  private isEnding = false;
  private isClosed = false;

  constructor(o: {
    readonly near: Wire;
    readonly nearOutbox?: Outbox;
    readonly far: Wire;
    readonly farOutbox?: Outbox;
    readonly sweep: Sweep;
    /** It is cut when nothing has passed for this long; infinite for never. */
    readonly idleMs: number;
    readonly onClosed: () => void;
  }) {
    this.near = new TunnelEnd(this, o.near, o.nearOutbox ?? new Outbox(o.near));
    this.far = new TunnelEnd(this, o.far, o.farOutbox ?? new Outbox(o.far));
    this.near.peer = this.far;
    this.far.peer = this.near;
    this.sweepList = o.sweep;
    this.idleMs = o.idleMs;
    this.onClosed = o.onClosed;
    this.touch();
    o.sweep.add(this);
    o.near.data = this.near;
    o.far.data = this.far;
  }

  /** The address of this host that the client connected to; empty once it is gone. */
  get localAddress(): string {
    return localAddressOf(this.near.wire);
  }

  get standing(): "in use" | "ended" {
    return this.isClosed || this.isEnding ? "ended" : "in use";
  }

  /** Bytes handed on so far; the far side is the server. */
  get carried(): Carrier["carried"] {
    return { toServer: this.far.outbox.total, toClient: this.near.outbox.total };
  }

  /** Ends both sides in order, with what is on its way lost; one that does not end its own soon is cut. */
  end(): void {
    if (this.isClosed || this.isEnding) return;
    this.idleBy = this.sweepList.after(lingerMs);
    this.isEnding = true;
    this.near.end();
    this.far.end();
  }

  /** Notes that bytes have passed. */
  touch(): void {
    if (this.isEnding) return;
    this.idleBy = this.sweepList.after(this.idleMs);
  }

  sweep(now: number): void {
    if (now >= this.idleBy) this.cut();
  }

  /** Passes a reset on to the other side. */
  reset(by: TunnelEnd): void {
    if (this.isClosed) return;
    this.isRefused = by === this.far && this.near.outbox.total === 0;
    this.cut();
  }

  /** Closes both sockets at once. */
  cut(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.sweepList.remove(this);
    this.near.wire.terminate();
    this.far.wire.terminate();
    this.onClosed();
  }

  /** Ends the tunnel if both halves have ended and nothing waits. */
  settle(): void {
    if (this.isClosed || this.isEnding || !this.near.isShut || !this.far.isShut) return;
    this.isClosed = true;
    this.sweepList.remove(this);
    this.near.wire.end();
    this.far.wire.end();
    this.onClosed();
  }
}

/** One socket of a tunnel. */
export class TunnelEnd implements SocketOwner {
  readonly wire: Wire;
  readonly outbox: Outbox;
  peer: TunnelEnd | null = null;
  /** Whether our half towards this socket is closed. */
  isShut = false;
  private hasEnded = false;
  private hasPeerEnded = false;
  private readonly tunnel: Tunnel;

  constructor(tunnel: Tunnel, wire: Wire, outbox: Outbox) {
    this.tunnel = tunnel;
    this.wire = wire;
    this.outbox = outbox;
  }

  received(bytes: Buffer): void {
    this.tunnel.touch();
    if (this.peer?.outbox.send(bytes, 0, bytes.length) === false) this.wire.pause();
  }

  drained(): void {
    if (!this.outbox.isBlocked || !this.outbox.flush()) return;
    this.tunnel.touch();
    if (this.hasPeerEnded) this.shut();
    else this.peer?.wire.resume();
  }

  ended(): void {
    this.hasEnded = true;
    this.peer?.noPeerMore();
  }

  /**
   * After an orderly end the peer still gets what waits for it; a reset is passed on as one. Where our half was closed
   * before, the runtime reports the peer's end as a close.
   */
  closed(isReset: boolean): void {
    if (isReset) {
      this.tunnel.reset(this);
      return;
    }
    this.isShut = true;
    if (!this.hasEnded) this.ended();
    this.tunnel.settle();
  }

  /** Ends our side. */
  end(): void {
    this.hasPeerEnded = true;
    this.shut();
  }

  private noPeerMore(): void {
    if (this.hasPeerEnded) return;
    this.hasPeerEnded = true;
    if (!this.outbox.isBlocked) this.shut();
  }

  private shut(): void {
    if (this.isShut) return;
    this.isShut = true;
    this.wire.shutdown();
    this.tunnel.settle();
  }
}
