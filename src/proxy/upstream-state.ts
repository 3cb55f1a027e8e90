import type { UpstreamPlan } from "../config/http-plan.ts";
import { type EjectionContext, Ejections } from "./ejections.ts";
import type { HttpServer } from "./http-server.ts";
import { RetryBudget } from "./retries.ts";
import { shareOf } from "./share.ts";
import type { Swept } from "./sweep.ts";
import { WaitingLine } from "./waiting-line.ts";

/** What this process remembers of an upstream from one plan to the next. */
export class UpstreamState implements Swept {
  readonly ejections: Ejections;
  readonly queue: WaitingLine = new WaitingLine(() => this.mayServe());
  readonly budget: RetryBudget = new RetryBudget();
  private servers: readonly HttpServer[] = [];

  constructor(context: EjectionContext) {
    this.ejections = new Ejections(context);
  }

  /** Takes a plan; each of `workers` keeps to its own part of what is limited. */
  configure(plan: UpstreamPlan, servers: readonly HttpServer[], workers: number): void {
    this.servers = servers;
    for (const { mostConnections, pool } of servers)
      pool.attach(this, plan.ejection !== null, shareOf(mostConnections, workers));
    this.ejections.configure(plan.ejection, servers);
    this.queue.setLength(shareOf(plan.queue?.length ?? 0, workers));
    this.budget.setShare(plan.retries.budget);
  }

  sweep(now: number): void {
    this.ejections.sweep(now);
    this.queue.sweep();
  }

  /** Whether a server has room, or none is up: then one that was ejected may be taken back. */
  private mayServe(): boolean {
    let isAnyUp = false;
    for (const { isFull, isUp } of this.servers) {
      if (isUp && !isFull) return true;
      isAnyUp ||= isUp;
    }
    return !isAnyUp;
  }
}
