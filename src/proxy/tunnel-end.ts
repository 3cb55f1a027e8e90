import { letGo } from "./body-memory.ts";
import { Outbox } from "./outbox.ts";
import { localAddressOf, type SocketOwner, type Wire } from "./sockets.ts";
import type { Tunnel } from "./tunnel.ts";
import type { WebSocketFrames } from "./websocket-frames.ts";

/** One side of a tunnel: a socket, or a stream of HTTP/2. */
export abstract class TunnelEnd {
  /** Follows the frames that go to this side, where they are a WebSocket's; null does not. */
  frames: WebSocketFrames | null = null;
  /** Whether our half towards this side is closed. */
  isShut = false;
  private tunnel: Tunnel | null = null;
  private peer: TunnelEnd | null = null;
  private hasEnded = false;
  private hasPeerEnded = false;

  /** The address of this host that is spoken to here; empty once that is gone. */
  abstract readonly localAddress: string;
  /** Bytes handed on to this side so far. */
  abstract readonly total: number;
  /** Whether bytes wait for this side to take them. */
  abstract readonly isBlocked: boolean;
  /** Reads no more from this side, or goes on. */
  abstract pause(): void;
  abstract resume(): void;
  /** Lets go of this side, whose halves have both ended. */
  abstract close(): void;
  /** Ends it at once; the other end sees that. */
  abstract cut(): void;
  /** Writes bytes; if they are `isFree`, nobody else needs them. */
  protected abstract write(bytes: Buffer, isFree: boolean): boolean;
  protected abstract shutdown(): void;

  /** Makes it a side of a tunnel. */
  join(tunnel: Tunnel, peer: TunnelEnd): void {
    this.tunnel = tunnel;
    this.peer = peer;
  }

  /** Hands bytes on to this side; false if no more should come until it has taken them. */
  send(bytes: Buffer, isFree = false): boolean {
    if (this.isShut) {
      if (isFree) letGo(bytes); // nobody reads it any more
      return true;
    }
    this.frames?.take(bytes);
    return this.write(bytes, isFree);
  }

  /** Bytes came from this side; if they are `isFree`, nobody needs them but the other one. */
  pass(bytes: Buffer, isFree = false): void {
    this.tunnel?.touch();
    if (this.peer?.send(bytes, isFree) === false) this.pause();
  }

  /** It will send no more. */
  ended(): void {
    this.hasEnded = true;
    this.peer?.noPeerMore();
  }

  /**
   * It is gone. After an orderly end the peer still gets what waits for it; a reset is passed on as one. Where our half was
   * closed before, the runtime reports the peer's end as a close.
   */
  closed(isReset: boolean): void {
    // What this process cuts itself says so at once: the other side is to see a cut too, and no end in order before it.
    if (this.tunnel?.standing === "ended") return;
    if (isReset) {
      this.tunnel?.reset(this);
      return;
    }
    this.isShut = true;
    if (!this.hasEnded) this.ended();
    this.tunnel?.settle();
  }

  /** Ends our half, with a word on why if it carries a WebSocket and there is a place for one (RFC 6455 §7.4.1). */
  end(): void {
    const { frames } = this;
    if (frames?.mayClose === true && !this.isShut && !this.isBlocked) this.write(frames.goingAway(), false);
    this.hasPeerEnded = true;
    this.shut();
  }

  /** What waited for this side is taken. */
  protected emptied(): void {
    this.tunnel?.touch();
    if (this.hasPeerEnded) this.shut();
    else this.peer?.resume();
  }

  private noPeerMore(): void {
    if (this.hasPeerEnded) return;
    this.hasPeerEnded = true;
    if (!this.isBlocked) this.shut();
  }

  private shut(): void {
    if (this.isShut) return;
    this.isShut = true;
    this.shutdown();
    this.tunnel?.settle();
  }
}

/** A side of a tunnel that is a socket. */
export class SocketEnd extends TunnelEnd implements SocketOwner {
  private readonly wire: Wire;
  private readonly outbox: Outbox;

  constructor(wire: Wire, outbox: Outbox = new Outbox(wire)) {
    super();
    this.wire = wire;
    this.outbox = outbox;
  }

  override join(tunnel: Tunnel, peer: TunnelEnd): void {
    super.join(tunnel, peer);
    this.wire.data = this;
  }

  received(bytes: Buffer): void {
    this.pass(bytes, true);
  }

  drained(): void {
    if (this.outbox.isBlocked && this.outbox.flush()) this.emptied();
  }

  override get localAddress(): string {
    return localAddressOf(this.wire);
  }

  override get total(): number {
    return this.outbox.total;
  }

  override get isBlocked(): boolean {
    return this.outbox.isBlocked;
  }

  override pause(): void {
    this.wire.pause();
  }

  override resume(): void {
    this.wire.resume();
  }

  override close(): void {
    this.wire.end();
  }

  override cut(): void {
    this.wire.terminate();
  }

  protected override write(bytes: Buffer, isFree: boolean): boolean {
    return this.outbox.send(bytes, 0, bytes.length, isFree);
  }

  protected override shutdown(): void {
    this.wire.shutdown();
  }
}
