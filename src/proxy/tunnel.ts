import { lingerMs } from "./engine.ts";
import type { Carrier } from "./server-load.ts";
import type { Sweep, Swept } from "./sweep.ts";
import type { TunnelEnd } from "./tunnel-end.ts";

/** Bytes carried both ways between two ends, each half closed on its own (RFC 9112 §9.6 does not end a tunnel at once). */
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
    /** The client's side. */
    readonly near: TunnelEnd;
    readonly far: TunnelEnd;
    readonly sweep: Sweep;
    /** It is cut when nothing has passed for this long; infinite for never. */
    readonly idleMs: number;
    readonly onClosed: () => void;
  }) {
    this.near = o.near;
    this.far = o.far;
    this.sweepList = o.sweep;
    this.idleMs = o.idleMs;
    this.onClosed = o.onClosed;
    this.touch();
    o.sweep.add(this);
    o.near.join(this, o.far);
    o.far.join(this, o.near);
  }

  /** The address of this host that the client connected to; empty once it is gone. */
  get localAddress(): string {
    return this.near.localAddress;
  }

  get standing(): "in use" | "ended" {
    return this.isClosed || this.isEnding ? "ended" : "in use";
  }

  /** Bytes handed on so far; the far side is the server. */
  get carried(): Carrier["carried"] {
    return { toServer: this.far.total, toClient: this.near.total };
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

  /** Passes a reset on to the other side, unless that is told of the end already. */
  reset(by: TunnelEnd): void {
    if (this.isClosed || this.isEnding) return;
    this.isRefused = by === this.far && this.near.total === 0;
    this.cut();
  }

  /** Closes both ends at once. */
  cut(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.sweepList.remove(this);
    this.near.cut();
    this.far.cut();
    this.onClosed();
  }

  /** Ends the tunnel if both halves have ended and nothing waits. */
  settle(): void {
    if (this.isClosed || this.isEnding || !this.near.isShut || !this.far.isShut) return;
    this.isClosed = true;
    this.sweepList.remove(this);
    this.near.close();
    this.far.close();
    this.onClosed();
  }
}
