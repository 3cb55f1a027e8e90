import type { RelayServerPlan } from "../config/node-plan.ts";

/**
 * How many connections this process has to a server of a relay, and whether they are as many as it may have. It outlives
 * the plan, for so do connections.
 */
export class ServerLoad {
  activeConnections = 0;
  /** Whether it gets no more until enough have ended. */
  isFull = false;
  private upper = 0;
  private lower = 0;

  /** Sets this process's part of the thresholds: each of `workers` keeps to its own. */
  setThresholds({ upperThreshold, lowerThreshold }: RelayServerPlan, workers: number): void {
    this.upper = Math.ceil(upperThreshold / workers);
    this.lower = Math.ceil(lowerThreshold / workers);
    this.isFull =
      this.upper > 0 && (this.activeConnections >= this.upper || (this.isFull && !this.isRelieved()));
  }

  opened(): void {
    this.activeConnections += 1;
    if (this.upper > 0 && this.activeConnections >= this.upper) this.isFull = true;
  }

  closed(): void {
    this.activeConnections -= 1;
    if (this.isFull && this.isRelieved()) this.isFull = false;
  }

  private isRelieved(): boolean {
    // Parts of small thresholds may be equal: then one free place is enough.
    if (this.lower > 0) return this.activeConnections < Math.min(this.lower, this.upper);
    return this.activeConnections * 4 < this.upper * 3;
  }
}
