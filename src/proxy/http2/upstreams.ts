import type { Endpoint } from "../../base/address.ts";
import { connectTo } from "../streams/connect.ts";
import { endless, expiryOf, type Lifetime } from "../lifetime.ts";
import type { SocketOwner, Wire } from "../sockets.ts";
import type { Streams } from "../streams/streams.ts";
import type { Sweep } from "../sweep.ts";
import type { UpstreamTls } from "../tls/upstream-tls.ts";
import type { UpstreamStream, UpstreamUser } from "../upstream-stream.ts";
import type { ClientStream } from "./client-stream.ts";
import { newPeerSettings } from "./settings.ts";
import { Http2Upstream, type Http2Home } from "./upstream.ts";

/** What the connections to a server need of their pool. */
export interface UpstreamsOptions {
  readonly endpoint: Endpoint;
  readonly tls: UpstreamTls | null;
  readonly handlers: Bun.SocketHandler<SocketOwner>;
  readonly streams: Streams;
  readonly sweep: Sweep;
  /** A request or a WebSocket has ended. */
  readonly onRoom: () => void;
  /** The server has failed a request. */
  readonly onFailure: () => void;
  /** How a handshake of TLS went. */
  readonly onSecured: (refusal: string | null) => void;
}

/** The connections in HTTP/2 to one server: as few as carry what is under way. */
export class Http2Upstreams implements Http2Home {
  readonly scheme: "http" | "https";
  /** Whether the server takes WebSockets; true until it has said that it does not. */
  takesWebSockets = true;
  /** How many requests at once it takes over a connection, by what it has said last. */
  mostStreams: number = newPeerSettings().maxConcurrentStreams;
  /** How long one without a request is kept. */
  idleMs = 0;
  lifetime: Lifetime = endless;
  private readonly options: UpstreamsOptions;
  /** Those that take requests, and those that do no more. */
  private readonly connections = new Set<Http2Upstream>();
  private readonly leaving = new Set<Http2Upstream>();

  constructor(options: UpstreamsOptions) {
    this.options = options;
    this.scheme = options.tls === null ? "http" : "https";
  }

  /** Gives a stream for a request; one for a WebSocket may be refused. */
  open(user: UpstreamUser, onRefused: (() => void) | null = null): UpstreamStream {
    return this.withRoom((connection) => connection.open(user, onRefused));
  }

  leftOver(stream: ClientStream): void {
    this.withRoom((connection) => {
      stream.moveTo(connection);
      connection.take(stream);
      return stream;
    });
  }

  get now(): number {
    return this.options.sweep.now;
  }

  /** How many requests are under way, and how many connections have none. */
  counts(): { readonly open: number; readonly idle: number } {
    let open = 0;
    let idle = 0;
    for (const { count } of this.connections) {
      open += count;
      if (count === 0) idle += 1;
    }
    for (const { count } of this.leaving) open += count;
    return { open, idle };
  }

  left(connection: Http2Upstream): void {
    this.connections.delete(connection);
    this.leaving.add(connection);
  }

  gone(connection: Http2Upstream): void {
    this.connections.delete(connection);
    this.leaving.delete(connection);
  }

  told(takesWebSockets: boolean, mostStreams: number): void {
    this.takesWebSockets = takesWebSockets;
    this.mostStreams = mostStreams;
  }

  roomMade(): void {
    this.options.onRoom();
  }

  failedRequest(): void {
    this.options.onFailure();
  }

  idle(connection: Http2Upstream): void {
    connection.idleUntil = this.options.sweep.after(this.idleMs);
    if (this.idleMs === 0) connection.close("it is not needed any more");
  }

  /** Closes those that have had no request for long, and has those finish that are too old for another. */
  closeOverdue(now: number): void {
    for (const connection of this.connections) {
      const { bornAt, haste } = connection;
      if (connection.count === 0 && now >= connection.idleUntil) connection.close("idle");
      else if (now >= expiryOf(this.lifetime, bornAt, haste)) connection.finish();
    }
  }

  /** Closes all of them, or those without a request. */
  close(detail: string, isOnlyIdle: boolean): void {
    for (const connection of [...this.connections, ...this.leaving])
      if (!isOnlyIdle || connection.count === 0) connection.close(detail);
  }

  /** Has a connection that has room take a request; one is made if there is none. */
  private withRoom(take: (connection: Http2Upstream) => ClientStream): ClientStream {
    const ready = this.ready();
    const connection = ready ?? new Http2Upstream(this);
    if (ready === null) {
      connection.bornAt = this.now;
      connection.haste = Math.random();
      this.connections.add(connection);
    }
    const stream = take(connection);
    if (connection.requests >= this.lifetime.mostRequests) connection.finish();
    if (ready === null) this.connect(connection);
    return stream;
  }

  private ready(): Http2Upstream | null {
    for (const connection of this.connections) if (connection.hasRoom) return connection;
    if (this.mostStreams > 0) return null;
    // The server takes none for a moment: what waits for that does so on one connection.
    const [any = null] = this.connections;
    return any;
  }

  private connect(connection: Http2Upstream): void {
    const { endpoint, tls } = this.options;
    const open = (socket: Wire): void => {
      if (tls === null) connection.opened(socket);
      else connection.handshaking(socket, tls.options, this.options.onSecured);
    };
    const secured = tls === null ? null : { ...tls.options, ALPNProtocols: "\u0002h2" };
    connection.giveUpConnecting = connectTo(this.options, endpoint, secured, {
      owner: connection,
      opened: open,
      refused: (reason) => connection.failed(reason),
    });
  }
}
