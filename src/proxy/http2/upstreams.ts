import type { Endpoint } from "../../base/address.ts";
import { hasCode } from "../../base/system-error.ts";
import type { SocketOwner, Wire } from "../sockets.ts";
import type { Sweep } from "../sweep.ts";
import type { UpstreamTls } from "../tls/upstream-tls.ts";
import type { UpstreamStream, UpstreamUser } from "../upstream-connection.ts";
import { Http2Upstream, type Http2Home } from "./upstream.ts";

/** What the connections to a server need of their pool. */
export interface UpstreamsOptions {
  readonly endpoint: Endpoint;
  readonly tls: UpstreamTls | null;
  readonly handlers: Bun.SocketHandler<SocketOwner>;
  readonly sweep: Sweep;
  /** How a handshake of TLS went. */
  readonly onSecured: (refusal: string | null) => void;
}

/** The connections in HTTP/2 to one server: as few as carry what is under way. */
export class Http2Upstreams implements Http2Home {
  readonly scheme: "http" | "https";
  /** How long one without a request is kept. */
  idleMs = 0;
  private readonly options: UpstreamsOptions;
  private readonly connections = new Set<Http2Upstream>();

  constructor(options: UpstreamsOptions) {
    this.options = options;
    this.scheme = options.tls === null ? "http" : "https";
  }

  /** Gives a stream for a request. */
  open(user: UpstreamUser): UpstreamStream {
    for (const connection of this.connections) if (connection.hasRoom) return connection.open(user);
    const connection = new Http2Upstream(this);
    this.connections.add(connection);
    const stream = connection.open(user);
    this.connect(connection);
    return stream;
  }

  /** How many requests are under way, and how many connections have none. */
  counts(): { readonly open: number; readonly idle: number } {
    let open = 0;
    let idle = 0;
    for (const { count } of this.connections) {
      open += count;
      if (count === 0) idle += 1;
    }
    return { open, idle };
  }

  left(connection: Http2Upstream): void {
    this.connections.delete(connection);
  }

  idle(connection: Http2Upstream): void {
    connection.idleUntil = this.options.sweep.after(this.idleMs);
    if (this.idleMs === 0) connection.close("it is not needed any more");
  }

  /** Closes those that have had no request for long. */
  closeIdle(now: number): void {
    for (const connection of this.connections)
      if (connection.count === 0 && now >= connection.idleUntil) connection.close("idle");
  }

  /** Closes all of them, or those without a request. */
  close(detail: string, isOnlyIdle: boolean): void {
    for (const connection of this.connections)
      if (!isOnlyIdle || connection.count === 0) connection.close(detail);
  }

  private connect(connection: Http2Upstream): void {
    const { endpoint, handlers, tls } = this.options;
    const open = (socket: Wire): void => {
      if (tls === null) connection.opened(socket);
      else connection.handshaking(socket, tls.options, this.options.onSecured);
    };
    Bun.connect<SocketOwner>({
      hostname: endpoint.address,
      port: endpoint.port,
      allowHalfOpen: true,
      ...(tls === null ? {} : { tls: { ...tls.options, ALPNProtocols: "\u0002h2" } }),
      data: connection,
      socket: { ...handlers, open },
    }).catch((error: unknown) =>
      connection.failed(hasCode(error, "ECONNREFUSED") ? "connection refused" : String(error)),
    );
  }
}
