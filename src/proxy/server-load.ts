import type { RelayServerPlan } from "../config/node-plan.ts";
import type { ServerStanding } from "../ipc/standing.ts";
import type { ProxiedTraffic } from "../ipc/status.ts";
import { OpenElsewhere } from "./open-elsewhere.ts";
import type { ServerConnections } from "./server-connections.ts";
import { shareOf } from "./share.ts";

/** Something open that leads to a server. */
export interface Carrier {
  /** Bytes handed on so far. */
  readonly carried: { readonly toServer: number; readonly toClient: number };
  /** Ends it at once. */
  cut(): void;
}

/**
 * How many connections this process has to a server of a relay, and whether they are as many as it may have. It outlives
 * the plan, for so do connections.
 */
export class ServerLoad implements ServerConnections {
  activeConnections = 0;
  readonly elsewhere: OpenElsewhere = new OpenElsewhere();
  /** Whether it gets no more until enough have ended. */
  isFull = false;
  drainedSince: string | null = null;
  /** Whether the server is gone for the connections that it has, too. */
  isGone = false;
  private upper = 0;
  private lower = 0;
  private total = 0;
  private failed = 0;
  private inBytes = 0;
  private outBytes = 0;
  private readonly carriers = new Set<Carrier>();

  /** Sets this process's part of the thresholds: each of `workers` keeps to its own. */
  setThresholds({ upperThreshold, lowerThreshold }: RelayServerPlan, workers: number): void {
    this.upper = shareOf(upperThreshold, workers);
    this.lower = shareOf(lowerThreshold, workers);
    this.isFull =
      this.upper > 0 && (this.activeConnections >= this.upper || (this.isFull && !this.isRelieved()));
  }

  attend({ drainedSince, endsConnections }: Pick<ServerStanding, "drainedSince" | "endsConnections">): void {
    this.drainedSince = drainedSince;
    this.isGone = endsConnections;
    if (endsConnections) for (const carrier of this.carriers) carrier.cut();
  }

  traffic(): ProxiedTraffic {
    let { inBytes, outBytes } = this;
    for (const { carried } of this.carriers) {
      inBytes += carried.toServer;
      outBytes += carried.toClient;
    }
    const { activeConnections: open, total, failed } = this;
    return { open, idle: 0, total, failed, inBytes, outBytes, ejected: null };
  }

  /** Counts a connection from the choice of the server on. */
  opened(): void {
    this.activeConnections += 1;
    this.total += 1;
    if (this.upper > 0 && this.activeConnections >= this.upper) this.isFull = true;
  }

  /** Takes what carries the bytes of a connection that the server has accepted. */
  carries(carrier: Carrier): void {
    this.carriers.add(carrier);
  }

  /** Notes that what carried a connection has ended. */
  ended(carrier: Carrier): void {
    if (!this.carriers.delete(carrier)) return;
    this.inBytes += carrier.carried.toServer;
    this.outBytes += carrier.carried.toClient;
    this.closed();
  }

  /** Counts a connection that ended before anything carried it. */
  closed(): void {
    this.activeConnections -= 1;
    if (this.isFull && this.isRelieved()) this.isFull = false;
  }

  /** Notes that the server failed a client. */
  failedClient(): void {
    this.failed += 1;
  }

  private isRelieved(): boolean {
    // Parts of small thresholds may be equal: then one free place is enough.
    if (this.lower > 0) return this.activeConnections < Math.min(this.lower, this.upper);
    return this.activeConnections * 4 < this.upper * 3;
  }
}
