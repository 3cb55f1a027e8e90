import type { Endpoint } from "../base/address.ts";
import type { Sweep, Swept } from "./sweep.ts";
import type { SocketOwner } from "./sockets.ts";
import { UpstreamConnection, type UpstreamUser } from "./upstream-connection.ts";

/** What the pools need of their process. */
export interface PoolContext {
  readonly sweep: Sweep;
  readonly handlers: Bun.SocketHandler<SocketOwner>;
}

/** The connections of this process to one server: those in use know it, the idle ones wait in it, the youngest first. */
export class UpstreamPool implements Swept {
  readonly endpoint: Endpoint;
  private readonly context: PoolContext;
  private readonly idle: UpstreamConnection[] = [];
  private maxIdle = 0;
  private idleMs = 0;

  constructor(endpoint: Endpoint, context: PoolContext) {
    this.endpoint = endpoint;
    this.context = context;
    context.sweep.add(this);
  }

  /** Sets how many idle connections are kept, and how long. */
  setLimits(maxIdle: number, idleMs: number): void {
    this.maxIdle = maxIdle;
    this.idleMs = idleMs;
    this.trim();
  }

  /** Gives the idle connection used last, or null. */
  take(): UpstreamConnection | null {
    return this.idle.pop() ?? null;
  }

  /** Opens a new connection for `user`, which hears of success or failure. */
  open(user: UpstreamUser): UpstreamConnection {
    return new UpstreamConnection(this, user, this.context.handlers);
  }

  /** Takes a connection back whose last request and response are complete. */
  giveBack(connection: UpstreamConnection): void {
    connection.idleUntil = this.context.sweep.after(this.idleMs);
    this.idle.push(connection);
    this.trim();
  }

  /** Forgets an idle connection that the server closed, or that said something unasked. */
  forget(connection: UpstreamConnection): void {
    const at = this.idle.indexOf(connection);
    if (at >= 0) this.idle.splice(at, 1);
  }

  sweep(now: number): void {
    while (this.idle[0] !== undefined && this.idle[0].idleUntil <= now) this.idle.shift()?.discard(true);
  }

  /** Closes what is idle and keeps nothing any more. */
  retire(): void {
    this.context.sweep.remove(this);
    this.setLimits(0, 0);
  }

  private trim(): void {
    while (this.idle.length > this.maxIdle) this.idle.shift()?.discard(true);
  }
}
