import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import type { Sweep, Swept } from "./sweep.ts";
import type { ServerStanding } from "../ipc/standing.ts";
import type { ProxiedTraffic } from "../ipc/status.ts";
import { ServerHealth } from "./ejections.ts";
import type { ForwardedBy } from "./headers.ts";
import { endless, expiryOf, type Lifetime } from "./lifetime.ts";
import type { ServerConnections } from "./server-connections.ts";
import type { SlotHolding } from "./slots/slot-holding.ts";
import type { SocketOwner } from "./sockets.ts";
import type { Streams } from "./streams/streams.ts";
import type { UpstreamTls } from "./tls/upstream-tls.ts";
import type { Tunnel } from "./tunnel.ts";
import { EitherUpstream } from "./http2/either-upstream.ts";
import { Http2Upstreams } from "./http2/upstreams.ts";
import { UpstreamConnection } from "./upstream-connection.ts";
import type { UpstreamStream, UpstreamUser } from "./upstream-stream.ts";
import type { UpstreamState } from "./upstream-state.ts";

/** What the pools need of their process. */
export interface PoolContext {
  readonly sweep: Sweep;
  readonly handlers: Bun.SocketHandler<SocketOwner>;
  readonly streams: Streams;
  readonly log: Log;
}

/** The connections of this process to one server; the idle ones wait, the youngest first. It outlives the plan. */
export class UpstreamPool implements Swept, ServerConnections {
  readonly endpoint: Endpoint;
  private readonly context: PoolContext;
  drainedSince: string | null = null;
  private readonly idle: UpstreamConnection[] = [];
  /** Those that wait and those in use. */
  private readonly connections = new Set<UpstreamConnection>();
  private readonly tunnels = new Set<Tunnel>();
  private total = 0;
  private failed = 0;
  proxyProtocol: "v1" | "v2" | null = null;
  /** Null speaks HTTP/1.1. */
  private http2: Http2Upstreams | null = null;
  /** How the server has done, while that can have it ejected. */
  health: ServerHealth | null = null;
  private state: UpstreamState | null = null;
  /** What this process may have in use of a server that is limited; null if it is not. */
  slots: SlotHolding | null = null;
  private maxIdle = 0;
  private idleMs = 0;
  private lifetime: Lifetime = endless;
  /** Why the last handshake of TLS failed; null if it did not. */
  private refusal: string | null = null;
  /** Null speaks in clear text. */
  readonly tls: UpstreamTls | null;

  constructor(endpoint: Endpoint, tls: UpstreamTls | null, context: PoolContext) {
    this.endpoint = endpoint;
    this.tls = tls;
    this.context = context;
    context.sweep.add(this);
  }

  /** Sets how many idle connections are kept, and how long. */
  setLimits(maxIdle: number, idleMs: number): void {
    this.maxIdle = maxIdle;
    this.idleMs = idleMs;
    if (this.http2 !== null) this.http2.idleMs = maxIdle === 0 ? 0 : idleMs;
    this.trim();
  }

  /** Sets how long connections are used; those that are older, or have carried more, are used no more. */
  setLifetime(lifetime: Lifetime): void {
    this.lifetime = lifetime;
    if (this.http2 !== null) this.http2.lifetime = lifetime;
  }

  /** Sets whether requests go to the server in HTTP/2. */
  setHttp2(isOn: boolean): void {
    if (isOn === (this.http2 !== null)) return;
    const { endpoint, http2, tls } = this;
    if (http2 !== null) http2.idleMs = 0; // what is busy now is closed when it is done
    http2?.close("the server is spoken to otherwise", true);
    const { handlers, streams, sweep } = this.context;
    const onRoom = (): void => this.roomMade();
    const onSecured = (refusal: string | null): void => this.secured(refusal);
    const onFailure = (): void => this.failedRequest();
    const o = { endpoint, tls, handlers, streams, sweep, onRoom, onFailure, onSecured };
    this.http2 = isOn ? new Http2Upstreams(o) : null;
    if (this.http2 === null) return;
    this.http2.idleMs = this.idleMs;
    this.http2.lifetime = this.lifetime;
  }

  /** Takes what is remembered of its upstream, whether servers can be ejected, and what it may have in use; null is any. */
  attach(state: UpstreamState, isEjectable: boolean, slots: SlotHolding | null): void {
    this.state = state;
    this.health = isEjectable ? (this.health ?? new ServerHealth(state.ejections)) : null;
    this.slots = slots;
  }

  /** Whether the server has as many requests of this process as it may have. */
  get isFull(): boolean {
    return this.slots !== null && this.slots.isFull;
  }

  /** Sets the header of the PROXY protocol that connections begin with; none begun otherwise is used again. */
  setProxyProtocol(version: "v1" | "v2" | null): void {
    if (version === this.proxyProtocol) return;
    this.proxyProtocol = version;
    while (this.idle.length > 0) this.idle.shift()?.discard(true);
  }

  /**
   * Gives the idle connection used last, or null; where the server was told the client, only that client's own. With `isLookedAt` none
   * that the server has closed, as far as the system knows: that costs a call of it.
   */
  take(by: ForwardedBy, isLookedAt = false): UpstreamConnection | null {
    if (this.http2 !== null) return null;
    for (;;) {
      const connection = (this.proxyProtocol === null ? this.idle.pop() : this.takeOwn(by)) ?? null;
      if (connection === null) return null;
      if (!isLookedAt || connection.isQuiet) {
        this.total += 1;
        return connection;
      }
      connection.discard(true);
    }
  }

  /** Opens a new connection for `user`, which hears of success or failure. */
  open(user: UpstreamUser, by: ForwardedBy): UpstreamStream {
    this.total += 1;
    const { http2 } = this;
    if (http2 === null || (user.wantsSocket && !http2.takesWebSockets)) return this.openHttp1(user, by);
    if (!user.wantsSocket) return http2.open(user);
    // RFC 8441 §3: the server says first whether it takes WebSockets.
    return new EitherUpstream(
      (refused) => http2.open(user, refused),
      () => this.openHttp1(user, by),
    );
  }

  private openHttp1(user: UpstreamUser, by: ForwardedBy): UpstreamConnection {
    const connection = new UpstreamConnection(
      this,
      user,
      this.context,
      this.proxyProtocol === null ? null : by,
    );
    connection.bornAt = this.context.sweep.now;
    connection.haste = Math.random();
    this.connections.add(connection);
    return connection;
  }

  /** Requests that wait for their response, and WebSockets. */
  get inUse(): number {
    const streams = this.http2?.counts().open ?? 0;
    return this.connections.size - this.idle.length + this.tunnels.size + streams;
  }

  attend({ drainedSince, endsConnections }: Pick<ServerStanding, "drainedSince" | "endsConnections">): void {
    this.drainedSince = drainedSince;
    this.trim();
    if (!endsConnections) return;
    this.http2?.close("the server was taken out", false);
    for (const connection of this.connections) connection.giveUp("the server was taken out");
    for (const tunnel of this.tunnels) tunnel.end();
  }

  traffic(): ProxiedTraffic {
    const { total, failed } = this;
    const idle = this.idle.length;
    const streams = this.http2?.counts() ?? { open: 0, idle: 0 };
    return {
      open: this.inUse,
      idle: idle + streams.idle,
      total,
      failed,
      inBytes: 0,
      outBytes: 0,
      ejected: this.health?.reason ?? null,
    };
  }

  /** Forgets a connection that has closed, or was handed to a WebSocket. */
  left(connection: UpstreamConnection): void {
    this.connections.delete(connection);
    this.roomMade();
  }

  /** Takes a WebSocket to the server. */
  carries(tunnel: Tunnel): void {
    this.tunnels.add(tunnel);
  }

  /** Forgets a WebSocket that has ended. */
  ended(tunnel: Tunnel): void {
    this.tunnels.delete(tunnel);
    this.roomMade();
  }

  /** Notes how a handshake of TLS went; why it failed is said once, until one succeeds or fails otherwise. */
  secured(refusal: string | null): void {
    if (refusal !== null && refusal !== this.refusal)
      this.context.log.warning(`no TLS with server ${formatEndpoint(this.endpoint)}: ${refusal}`);
    this.refusal = refusal;
  }

  /** Notes that the server failed a request. */
  failedRequest(): void {
    this.failed += 1;
  }

  /** Takes a connection back whose last request and response are complete. */
  giveBack(connection: UpstreamConnection): void {
    const isOther = (connection.client === null) !== (this.proxyProtocol === null);
    if (isOther || connection.requests >= this.lifetime.mostRequests || this.isOld(connection)) {
      connection.discard(true);
      return;
    }
    connection.idleUntil = this.context.sweep.after(this.idleMs);
    this.idle.push(connection);
    this.trim();
    this.roomMade();
  }

  /** Forgets an idle connection that the server closed, or that said something unasked. */
  forget(connection: UpstreamConnection): void {
    const at = this.idle.indexOf(connection);
    if (at >= 0) this.idle.splice(at, 1);
  }

  sweep(now: number): void {
    while (this.idle[0] !== undefined && this.idle[0].idleUntil <= now) this.idle.shift()?.discard(true);
    if (this.lifetime.mostAgeMs < Number.POSITIVE_INFINITY)
      for (const connection of this.idle.filter((one) => this.isOld(one))) {
        this.forget(connection);
        connection.discard(true);
      }
    this.http2?.closeOverdue(now);
  }

  /** Closes what is idle and keeps nothing any more. */
  retire(): void {
    this.context.sweep.remove(this);
    this.setLimits(0, 0);
    this.http2?.close("the server is not in the plan any more", true);
  }

  private isOld({ bornAt, haste }: UpstreamConnection): boolean {
    return this.context.sweep.now >= expiryOf(this.lifetime, bornAt, haste);
  }

  private roomMade(): void {
    const { slots, state } = this;
    if (slots === null) return;
    slots.roomMade();
    state?.queue.roomMade();
  }

  private takeOwn(by: ForwardedBy): UpstreamConnection | undefined {
    const at = this.idle.findLastIndex((connection) => connection.client === by);
    return at < 0 ? undefined : this.idle.splice(at, 1)[0];
  }

  private trim(): void {
    const most = this.drainedSince === null ? this.maxIdle : 0;
    while (this.idle.length > most) this.idle.shift()?.discard(true);
    if (most === 0) this.http2?.close("the server is taken out", true);
  }
}
