import type { EjectionPlan, UpstreamFault } from "../config/upstream-policy.ts";
import { formatDuration } from "../config/units.ts";
import type { ServerEjection } from "../ipc/server-ejection.ts";
import type { Candidate } from "./selection/smooth-weighted.ts";
import type { Swept } from "./sweep.ts";

/** What the ejections of an upstream need of their process. */
export interface EjectionContext {
  /** Milliseconds of the monotonic clock. */
  now(): number;
  /** Takes what the operator and the other processes should know. */
  tell(ejection: ServerEjection): void;
}

/** A server of the upstream, as far as it can be ejected. */
export interface Ejectable extends Candidate {
  readonly id: string;
  readonly health: ServerHealth | null;
}

/**
 * Leaves servers of one upstream alone for a while that fail one request after another: passive checks, beside those that
 * the director makes. It outlives the plan.
 */
export class Ejections implements Swept {
  private readonly context: EjectionContext;
  private plan: EjectionPlan | null = null;
  private servers: readonly Ejectable[] = [];

  constructor(context: EjectionContext) {
    this.context = context;
  }

  /** Takes the plan in force and its servers; without a plan nobody is ejected any more. */
  configure(plan: EjectionPlan | null, servers: readonly Ejectable[]): void {
    if (plan === null) this.pardonAll();
    this.plan = plan;
    this.servers = servers;
  }

  /** Counts a failure, which may be the last that a server is allowed. */
  count(health: ServerHealth, fault: UpstreamFault): void {
    const { plan } = this;
    if (plan === null || health.isEjected || !plan.on.includes(fault)) return;
    const now = this.context.now();
    if (health.failures === 0 || now - health.firstFailureAt > plan.windowMs) {
      health.failures = 0;
      health.firstFailureAt = now;
    }
    health.failures += 1;
    const server = this.servers.find((one) => one.health === health);
    if (health.failures < plan.failures || server === undefined || !this.mayEject(server, plan)) return;
    const forMs = health.nextTime(now, plan);
    const times = health.failures === 1 ? "a failure" : `${health.failures} failures in a row`;
    const reason = `${times}, the last: ${faultText(fault)}`;
    health.eject(now, forMs, `${reason}, ejected for ${formatDuration(forMs)}`);
    this.context.tell({ server: server.id, forMs, reason });
  }

  /** Whether a fault is one that counts. */
  counts(fault: UpstreamFault): boolean {
    return this.plan?.on.includes(fault) === true;
  }

  /** Takes what another process has found; the rules on how many there may be hold here too. */
  heard({ server: id, forMs, reason }: ServerEjection): void {
    const server = this.servers.find((one) => one.id === id);
    if (this.plan === null || server === undefined || server.health === null) return;
    if (server.health.isEjected || !this.mayEject(server, this.plan)) return;
    const text = `${reason}, ejected for ${formatDuration(forMs)} by another process`;
    server.health.eject(this.context.now(), forMs, text);
  }

  /** Ends what is over. */
  sweep(now: number): void {
    for (const { health } of this.servers)
      if (health?.isEjected === true && now >= health.until) health.pardon();
  }

  /** Takes everybody back if nobody else is up: a server that fails is better than none. True if that changed anything. */
  pardonLast(): boolean {
    if (this.servers.some((one) => one.isUp && one.weight > 0)) return false;
    return this.pardonAll();
  }

  private pardonAll(): boolean {
    let isAny = false;
    for (const { health } of this.servers) {
      if (health?.isEjected !== true) continue;
      health.pardon();
      isAny = true;
    }
    return isAny;
  }

  private mayEject(server: Ejectable, { mostPercent }: EjectionPlan): boolean {
    const { servers } = this;
    const ejected = servers.filter(({ health }) => health?.isEjected === true).length;
    // One may always go: a share of few servers would be none.
    if (ejected >= Math.max(1, Math.floor((servers.length * mostPercent) / 100))) return false;
    return servers.some((one) => one !== server && one.isUp && one.weight > 0);
  }
}

/** How a server has done lately. */
export class ServerHealth {
  isEjected = false;
  /** Failures since its last success. */
  failures = 0;
  firstFailureAt = 0;
  /** When it is taken back. */
  until = 0;
  /** Why it is ejected, for people; null if it is not. */
  reason: string | null = null;
  private readonly group: Ejections;
  private lastTime = 0;

  constructor(group: Ejections) {
    this.group = group;
  }

  /** Notes that it failed a request. */
  failed(fault: UpstreamFault): void {
    this.group.count(this, fault);
  }

  /** Notes that it answered with a status. */
  answered(status: number): void {
    if (status >= 500 && this.group.counts(status)) this.group.count(this, status);
    else this.failures = 0;
  }

  /** Gives for how long it is to go: twice as long as the last time, unless it has done well since for as long as it was out. */
  nextTime(now: number, { timeMs, mostTimeMs }: EjectionPlan): number {
    const isRepeated = this.lastTime > 0 && now - this.until < this.lastTime;
    return Math.min(mostTimeMs, isRepeated ? this.lastTime * 2 : timeMs);
  }

  eject(now: number, forMs: number, reason: string): void {
    this.isEjected = true;
    this.until = now + forMs;
    this.lastTime = forMs;
    this.reason = reason;
  }

  /** Takes it back: its time is over, its check has found it well again, or there is nobody else. */
  pardon(): void {
    this.isEjected = false;
    this.failures = 0;
    this.reason = null;
  }
}

/** Says what a server did. */
export function faultText(fault: UpstreamFault): string {
  switch (fault) {
    case "connect":
      return "no connection";
    case "closed":
      return "closed without an answer";
    case "timeout":
      return "no answer in time";
    default:
      return `status ${fault}`;
  }
}
