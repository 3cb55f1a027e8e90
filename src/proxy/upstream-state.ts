import type { UpstreamPlan } from "../config/http-plan.ts";
import { type EjectionContext, Ejections } from "./ejections.ts";
import type { HttpServer } from "./http-server.ts";
import { RetryBudget } from "./retries.ts";
import type { Swept } from "./sweep.ts";
import { WaitingLine } from "./waiting-line.ts";

/** What this process remembers of an upstream from one plan to the next. */
export class UpstreamState implements Swept {
  readonly ejections: Ejections;
  readonly queue: WaitingLine = new WaitingLine();
  readonly budget: RetryBudget = new RetryBudget();

  constructor(context: EjectionContext) {
    this.ejections = new Ejections(context);
  }

  /** Takes a plan; each of `workers` keeps to its own part of what is limited. */
  configure(plan: UpstreamPlan, servers: readonly HttpServer[], workers: number): void {
    const processes = Math.max(1, workers);
    for (const { mostConnections, pool } of servers)
      pool.attach(this, plan.ejection !== null, Math.ceil(mostConnections / processes));
    this.ejections.configure(plan.ejection, servers);
    this.queue.setLength(Math.ceil((plan.queue?.length ?? 0) / processes));
    this.budget.setShare(plan.retries.budget);
  }

  sweep(now: number): void {
    this.ejections.sweep(now);
    this.queue.sweep();
  }
}
