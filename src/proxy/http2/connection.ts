import { drainIdleMs, lingerMs, type Engine, type OpenClient } from "../engine.ts";
import type { ForwardedBy } from "../headers.ts";
import type { Listener } from "../listener.ts";
import { localAddressOf, type SocketOwner, type Wire } from "../sockets.ts";
import { Pace, readingStep } from "../pace.ts";
import type { Swept } from "../sweep.ts";
import { FloodBudget } from "./flood-budget.ts";
import { FrameSession, type ReadBlock, type SessionUser } from "./frame-session.ts";
import { errorCode, goAwayFrame } from "./frames.ts";
import { HeadReader } from "./head-reader.ts";
import {
  connectionWindow,
  largestWindow,
  listLimits,
  maxStreams,
  preamble,
  streamWindow,
} from "./settings.ts";
import { ServerStream } from "./stream.ts";
import { judgePaces, type StreamHeads, type StreamHost } from "./stream-host.ts";

/** How long a client that goes on sending has altogether to take the last of what it was sent. */
const mostLingerMs = 30_000;

/**
 * A client's connection in HTTP/2 (RFC 9113), with its streams. What is wrong with a stream resets that stream; what is
 * wrong with the connection, or floods it, ends it with GOAWAY.
 */
export class Http2Connection implements SocketOwner, OpenClient, Swept, SessionUser, StreamHost {
  readonly version = "HTTP/2.0";
  readonly engine: Engine;
  readonly listener: Listener;
  readonly wire: Wire;
  readonly by: ForwardedBy;
  readonly session: FrameSession<ServerStream>;
  private readonly reader: HeadReader;
  private lastStream = 0;
  private isGoingAway = false;
  private deadline: number;
  /** How fast the client reads while the socket takes no more. */
  private reading: Pace | null = null;
  /** Until when, at most, a connection that has ended on our side waits for the client's end; infinite before. */
  private lingerBy = Number.POSITIVE_INFINITY;
  private isGone = false;

  constructor(engine: Engine, listener: Listener, wire: Wire, by: ForwardedBy) {
    this.engine = engine;
    this.listener = listener;
    this.wire = wire;
    this.by = by;
    this.reader = new HeadReader(this);
    const limits = listLimits(listener.plan.headLimits);
    this.session = new FrameSession({
      user: this,
      wire,
      from: "client",
      limits,
      windows: { stream: streamWindow, connection: connectionWindow },
      budget: new FloodBudget(engine.sweep.now),
      preamble: preamble(limits),
    });
    this.deadline = engine.sweep.after(listener.plan.headTimeoutMs);
    engine.clients.add(this);
    engine.sweep.add(this);
  }

  received(bytes: Buffer): void {
    if (this.isClosed) this.deadline = Math.min(this.lingerBy, this.engine.sweep.after(lingerMs));
    else this.session.received(bytes);
  }

  drained(): void {
    if (this.isGone || !this.session.drained()) return;
    if (this.isClosed) this.wire.shutdown();
  }

  ended(): void {
    this.close(true);
  }

  closed(): void {
    this.close(false);
  }

  sweep(now: number): void {
    for (const stream of this.session.streams.values()) stream.sweep(now);
    const { output } = this.session;
    const moved = output.isBlocked ? output.moved : null;
    const since = moved === null || this.reading === null ? null : moved - this.reading.bytes;
    judgePaces(this.session.streams.values(), now, since);
    if (moved === null) this.reading = null;
    if (this.isClosed) {
      if (now >= this.deadline) this.close(true);
    } else if (moved !== null) {
      const { stallMs, windowMs } = this.listener.plan.download;
      this.reading ??= new Pace(now, moved, readingStep);
      if (this.reading.isTooSlow(now, moved, { bytesPerS: 0, stallMs, windowMs })) this.cut();
    } else if (this.session.streams.size === 0 && now >= this.deadline) this.end();
  }

  closeSoon(): void {
    if (this.isClosed || this.isGoingAway) return;
    this.isGoingAway = true;
    // First only a warning: requests that are on their way are still served (RFC 9113 §6.8).
    this.session.output.add(goAwayFrame(largestWindow, errorCode.none));
    this.deadline = Math.min(this.deadline, this.engine.sweep.after(drainIdleMs));
  }

  get heads(): StreamHeads {
    return this.session.blocks;
  }

  get localAddress(): string {
    return localAddressOf(this.wire);
  }

  get standing(): OpenClient["standing"] {
    if (this.isGone) return "ended";
    if (this.isClosed) return "closing";
    return this.session.streams.size > 0 || this.session.output.isBlocked ? "in use" : "idle";
  }

  get writtenBytes(): number {
    return this.session.output.total;
  }

  /**
   * Ends our side in order. What the client still sends is thrown away until it has ended its own: a socket that is closed answers it
   * with a reset, and that takes from the client what it has not read.
   */
  end(): void {
    if (this.isClosed) return;
    this.sayGoodbye(errorCode.none);
    this.lingerBy = this.engine.sweep.after(mostLingerMs);
    this.deadline = this.engine.sweep.after(lingerMs);
    if (!this.session.output.isBlocked) this.wire.shutdown();
  }

  cut(): void {
    this.wire.terminate();
    this.close(false);
  }

  /** Ends a stream at once; the client sees that something is missing. */
  reset(stream: ServerStream, code: number): void {
    stream.cancelled();
    this.finished(stream, code);
  }

  /** A stream is over; a code tells the client that nothing more of it is wanted. */
  finished(stream: ServerStream, code: number | null): void {
    this.session.close(stream, code);
    this.settle();
  }

  private get isClosed(): boolean {
    return this.session.isOver;
  }

  private settle(): void {
    if (this.isClosed || this.session.streams.size > 0) return;
    const { sweep } = this.engine;
    this.deadline = sweep.after(this.isToClose ? drainIdleMs : this.listener.plan.idleTimeoutMs);
    if (this.isToClose) this.closeSoon();
  }

  private get isToClose(): boolean {
    const { departing, isDraining } = this.engine;
    return this.isGoingAway || isDraining || (departing.size > 0 && departing.has(this.localAddress));
  }

  isIdle(id: number): boolean {
    return id > this.lastStream;
  }

  goingAway(): void {
    // It opens no more streams; those that are open go on.
  }

  settingsRead(): void {
    // What they say of streams was done.
  }

  violated(code: number): void {
    this.fail(code);
  }

  /** Takes the head of a request. */
  takeHead(id: number, block: ReadBlock): number | null {
    const { session } = this;
    if (id <= this.lastStream) return session.spend() ?? errorCode.streamClosed;
    this.lastStream = id;
    if (session.streams.size >= maxStreams) {
      session.reset(id, errorCode.refusedStream);
      return session.spend();
    }
    const stream = new ServerStream(this);
    stream.isRemoteDone = block.endsStream;
    session.open(stream, id);
    if (!this.reader.begin(stream, block)) this.reset(stream, errorCode.protocol);
    return null;
  }

  /** Ends the connection with a word on why. */
  private fail(code: number): void {
    if (this.isClosed) return;
    this.sayGoodbye(code);
    this.wire.shutdown();
    this.close(true);
  }

  /** Takes and gives nothing more. */
  private sayGoodbye(code: number): void {
    const { session } = this;
    session.output.add(goAwayFrame(this.lastStream, code));
    session.output.flush();
    this.leaveStreams();
  }

  private leaveStreams(): void {
    const { session } = this;
    session.isOver = true;
    for (const stream of session.streams.values()) stream.cancelled();
    session.streams.clear();
  }

  private close(isOrderly: boolean): void {
    if (this.isGone) return;
    this.isGone = true;
    this.leaveStreams();
    this.engine.sweep.remove(this);
    this.engine.clients.delete(this);
    if (isOrderly) this.wire.end();
  }
}
