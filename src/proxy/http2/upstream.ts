import { negotiatedProtocol, type SocketOwner, type Wire } from "../sockets.ts";
import type { GiveUp } from "../streams/connect.ts";
import { serverRefusal, type UpstreamTlsOptions } from "../tls/upstream-tls.ts";
import type { UpstreamUser } from "../upstream-stream.ts";
import { ClientStream } from "./client-stream.ts";
import { FrameSession, type SessionUser } from "./frame-session.ts";
import { clientPreface, errorCode, setting, settingsFrame } from "./frames.ts";
import { largestWindow, responseLimits } from "./settings.ts";
import { http2RequestFields } from "./upstream-head.ts";

/** What a server may send ahead of what its client takes, for each stream; for all of them together it is as much as there can be. */
const streamWindow = 256 * 1024;
const preamble: Buffer = Buffer.concat([
  clientPreface,
  settingsFrame([
    [setting.enablePush, 0],
    [setting.initialWindowSize, streamWindow],
    [setting.maxHeaderListSize, responseLimits.bytes],
  ]),
]);

/** What a connection needs of its pool. */
export interface Http2Home {
  readonly scheme: "http" | "https";
  /** Milliseconds of the monotonic clock, as of the last tick. */
  readonly now: number;
  /** How many requests at once the server takes over a connection, as far as that is known. */
  readonly mostStreams: number;
  /** It takes no new requests: it ends, it has had enough of them, or the server has said so. */
  left(connection: Http2Upstream): void;
  /** It is closed. */
  gone(connection: Http2Upstream): void;
  /** It has no request under way. */
  idle(connection: Http2Upstream): void;
  /** The server has said whether it takes WebSockets (RFC 8441 §3), and how many requests at once. */
  told(takesWebSockets: boolean, mostStreams: number): void;
  /** The server has not looked at a request, which needs another connection. */
  leftOver(stream: ClientStream): void;
  /** A request or a WebSocket has ended. */
  roomMade(): void;
  /** The server has failed a request. */
  failedRequest(): void;
}

/** A connection to a server in HTTP/2: many requests side by side. */
export class Http2Upstream implements SocketOwner, SessionUser {
  /** When it may be closed for want of requests; set by its pool. */
  idleUntil: number = Number.POSITIVE_INFINITY;
  /** Requests that it has carried, or carries. */
  requests = 0;
  /** When it was begun, in milliseconds of the monotonic clock, and how much earlier than others it ends; set by its pool. */
  bornAt = 0;
  haste = 0;
  /** Called if it is closed before it has a socket; set by its pool. */
  giveUpConnecting: GiveUp | null = null;
  private readonly home: Http2Home;
  /** Those that wait for the connection. */
  private readonly early = new Set<ClientStream>();
  private wire: Wire | null = null;
  /** Says why the server is not to be talked to; null under no TLS. */
  private judge: ((hasFailed: boolean, complaint: Error | null) => string | null) | null = null;
  /** Null until the socket is connected. */
  private session: FrameSession<ClientStream> | null = null;
  private nextId = 1;
  private hasSettings = false;
  private hasServed = false;
  private heardAt = Number.NEGATIVE_INFINITY;
  private isLeaving = false;
  private isClosed = false;

  constructor(home: Http2Home) {
    this.home = home;
  }

  /** Whether it takes another request. */
  get hasRoom(): boolean {
    return !this.isLeaving && this.count < this.mostStreams && this.nextId < largestWindow - 2;
  }

  /** How many requests are under way. */
  get count(): number {
    return (this.session?.streams.size ?? 0) + this.early.size;
  }

  /** Gives a stream to a user, who hears when it may send, or that it has to go another way, later than this returns. */
  open(user: UpstreamUser, onRefused: (() => void) | null): ClientStream {
    const stream = new ClientStream(this, user, { isReused: this.hasServed, onRefused });
    this.take(stream);
    return stream;
  }

  /** Takes a stream that has no connection yet, or none any more. */
  take(stream: ClientStream): void {
    this.early.add(stream);
    this.requests += 1;
    if (this.session !== null) queueMicrotask(() => this.start(stream));
  }

  /** The server has not looked at a request. */
  moved(stream: ClientStream): void {
    this.early.delete(stream);
    this.session?.close(stream, null);
    stream.detach();
    this.settle();
    this.home.leftOver(stream);
  }

  /** The socket is connected, and its keys are agreed on if there are any. */
  opened(wire: Wire): void {
    this.wire = wire;
    if (this.isClosed) {
      wire.terminate();
      return;
    }
    this.session = new FrameSession({
      user: this,
      wire,
      from: "server",
      limits: responseLimits,
      windows: { stream: streamWindow, connection: largestWindow },
      budget: null,
      preamble,
    });
    for (const stream of this.early) this.start(stream);
  }

  /** The socket is connected, and keys are being agreed on. */
  handshaking(wire: Wire, options: UpstreamTlsOptions, onSecured: (refusal: string | null) => void): void {
    this.wire = wire;
    this.judge = (hasFailed, complaint) => {
      const refusal = serverRefusal(options, hasFailed, complaint) ?? noHttp2(wire);
      onSecured(refusal);
      return refusal;
    };
    if (this.isClosed) wire.terminate();
  }

  secured(hasFailed: boolean, complaint: Error | null): void {
    const refusal = this.judge?.(hasFailed, complaint) ?? null;
    if (this.wire === null || this.isClosed) return;
    if (refusal === null) {
      this.opened(this.wire);
      return;
    }
    this.wire.terminate();
    this.failed(refusal);
  }

  /** It could not be connected. */
  failed(detail: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.leave();
    this.home.gone(this);
    for (const stream of this.early) {
      this.early.delete(stream);
      stream.fail("connect", detail);
    }
  }

  received(bytes: Buffer): void {
    this.heardAt = this.home.now;
    this.session?.received(bytes);
  }

  drained(): void {
    this.session?.drained();
  }

  ended(): void {
    this.close("the server ended the connection");
  }

  closed(): void {
    this.close("the server closed the connection");
  }

  /** Takes no more requests, and closes when those that it has are over. */
  finish(): void {
    this.leave();
    if (this.count === 0) this.close("it is not needed any more");
  }

  /** Closes it and fails what is under way. */
  close(detail: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const { early, session } = this;
    if (session !== null) session.isOver = true;
    this.leave();
    this.home.gone(this);
    if (this.wire === null) this.giveUpConnecting?.();
    else this.wire.end();
    for (const stream of [...(session?.streams.values() ?? []), ...early]) stream.fail("closed", detail);
    session?.streams.clear();
    early.clear();
  }

  /** Sends the head of a request that is written as HTTP/1.1 has it; false if the connection is gone. */
  begin(stream: ClientStream, head: string, endsStream: boolean): boolean {
    const { session } = this;
    if (session === null || this.isClosed) return false;
    const protocol = stream.isForWebSocket ? "websocket" : null;
    stream.beganAt = this.home.now;
    session.open(stream, this.nextId);
    this.nextId += 2;
    session.blocks.request(stream.id, http2RequestFields(head, this.home.scheme, protocol), endsStream);
    return true;
  }

  /** A request is over; `code` tells the server to stop, null that nothing is left to say. */
  finished(stream: ClientStream, code: number | null): void {
    this.early.delete(stream);
    const wasUnderWay = this.session?.close(stream, code) === true;
    if (wasUnderWay && code === null) this.hasServed = true;
    this.settle();
    this.home.roomMade();
  }

  /**
   * Nobody waits for a request any more. Where nothing was heard since it was sent, or it has waited to be sent, nothing may ever be:
   * others go another way.
   */
  abandoned(stream: ClientStream): void {
    const since = this.session === null ? this.bornAt : stream.beganAt;
    const isSilent = this.heardAt <= since && since < this.home.now;
    const wasHeldBack = this.mostStreams === 0 && this.early.has(stream);
    this.finished(stream, errorCode.cancel);
    if (isSilent || wasHeldBack) this.finish();
  }

  isIdle(id: number): boolean {
    return id >= this.nextId || id % 2 === 0;
  }

  settingsRead(): void {
    this.hasSettings = true;
    this.home.told(this.takesWebSockets, this.session?.peer.maxConcurrentStreams ?? 0);
    for (const stream of this.early) this.start(stream);
  }

  /** A WebSocket has ended. */
  roomMade(): void {
    this.home.roomMade();
  }

  /** The server has failed a request. */
  failedRequest(): void {
    this.home.failedRequest();
  }

  violated(code: number): void {
    this.close(`the server broke HTTP/2 (error ${code})`);
  }

  /** What comes of a request that is over goes nowhere. */
  takeHead(id: number): number | null {
    return this.isIdle(id) ? errorCode.protocol : null;
  }

  /** RFC 9113 §6.8: streams above the last were not looked at, and may be sent again elsewhere. */
  goingAway(last: number): void {
    this.leave();
    const unseen = [...(this.session?.streams ?? [])].filter(([id]) => id > last).map(([, stream]) => stream);
    for (const stream of unseen) stream.unseen("the server is going away");
    for (const stream of this.early) this.moved(stream);
    if (this.count === 0) this.close("the server is going away");
  }

  /** How many requests at once the server takes, by what it says of this connection or said of the last. */
  private get mostStreams(): number {
    const { hasSettings, home, session } = this;
    return hasSettings && session !== null ? session.peer.maxConcurrentStreams : home.mostStreams;
  }

  private get takesWebSockets(): boolean {
    return this.session?.peer.takesWebSockets === true;
  }

  private start(stream: ClientStream): void {
    if (stream.isForWebSocket && !this.hasSettings) return;
    if (!this.early.has(stream)) return;
    const { mostStreams } = this;
    if ((this.session?.streams.size ?? 0) >= mostStreams) {
      // A server that takes none for a moment takes none over another connection either (RFC 9113 §6.5.2): they wait here.
      if (mostStreams > 0) this.moved(stream);
      return;
    }
    if (stream.isForWebSocket && !this.takesWebSockets) {
      stream.refuse();
      return;
    }
    this.early.delete(stream);
    stream.ready();
  }

  private settle(): void {
    if (this.count > 0 || this.isClosed) return;
    if (this.isLeaving) this.close("it is not needed any more");
    else this.home.idle(this);
  }

  private leave(): void {
    if (this.isLeaving) return;
    this.isLeaving = true;
    this.home.left(this);
  }
}

function noHttp2(wire: Wire): string | null {
  return negotiatedProtocol(wire) === "h2" ? null : "the server does not speak HTTP/2";
}
