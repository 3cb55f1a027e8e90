import type { RelayServerPlan } from "../config/node-plan.ts";
import type { ServerStanding } from "../ipc/standing.ts";
import type { ProxiedTraffic } from "../ipc/status.ts";
import type { CountKey } from "../ipc/counts/layout.ts";
import type { CommonCounts } from "./common-counts.ts";
import { OpenElsewhere } from "./open-elsewhere.ts";
import type { ServerConnections } from "./server-connections.ts";

/** Something open that leads to a server. */
export interface Carrier {
  /** Bytes handed on so far. */
  readonly carried: { readonly toServer: number; readonly toClient: number };
  /** Ends it at once. */
  cut(): void;
}

/**
 * How many connections this process has to a server of a relay, and whether all processes have as many as it may have. It
 * outlives the plan, for so do connections.
 */
export class ServerLoad implements ServerConnections {
  activeConnections = 0;
  readonly elsewhere: OpenElsewhere = new OpenElsewhere();
  drainedSince: string | null = null;
  /** Whether the server is gone for the connections that it has, too. */
  isGone = false;
  private readonly counts: CommonCounts;
  private readonly name: string;
  /** Where its connections are counted with those of other processes; null if there is no threshold. */
  private key: CountKey | null = null;
  private upper = 0;
  private lower = 0;
  /** Whether it was full when this process last looked, and gets no more until enough have ended. */
  private wasFull = false;
  private total = 0;
  private failed = 0;
  private inBytes = 0;
  private outBytes = 0;
  private readonly carriers = new Set<Carrier>();

  /** `name` is what it is counted under, by all processes. */
  constructor(counts: CommonCounts, name: string) {
    this.counts = counts;
    this.name = name;
  }

  /** Sets how many connections all processes together may have to it, and from how many on they may have more again. */
  setThresholds({ upperThreshold, lowerThreshold }: RelayServerPlan): void {
    this.upper = upperThreshold;
    this.lower = lowerThreshold;
    if (this.key !== null && upperThreshold === 0) this.counts.set(this.key, 0);
    this.key = upperThreshold === 0 ? null : this.counts.key(`relay ${this.name}`, "configured");
    this.changed();
  }

  /** Looks whether it gets no more until enough have ended, and remembers that for the next look. */
  looksFull(): boolean {
    if (this.key === null) return false;
    const open = Math.max(this.activeConnections, this.counts.count(this.key));
    this.wasFull = open >= this.upper || (this.wasFull && !this.isRelieved(open));
    return this.wasFull;
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
    this.changed();
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
    this.changed();
  }

  /** Notes that the server failed a client. */
  failedClient(): void {
    this.failed += 1;
  }

  private changed(): void {
    if (this.key === null) {
      this.wasFull = false;
      return;
    }
    this.counts.set(this.key, this.activeConnections);
    // Whether it is full now decides when it may have more again.
    this.looksFull();
  }

  private isRelieved(open: number): boolean {
    return this.lower > 0 ? open < this.lower : open * 4 < this.upper * 3;
  }
}
