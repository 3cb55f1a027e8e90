import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { UpstreamServerPlan } from "../config/http-plan.ts";
import { proxiedServerId } from "../config/proxied-plan.ts";
import type { ServerHealth } from "./ejections.ts";
import { OpenElsewhere } from "./open-elsewhere.ts";
import type { RelayCandidate } from "./selection/scheduler.ts";
import type { Server } from "./server.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

/** A server of an upstream, with this process's connections to it. */
export class HttpServer implements Server, RelayCandidate {
  readonly plan: UpstreamServerPlan;
  readonly id: string;
  readonly key: string;
  readonly endpoint: Endpoint;
  readonly probe: string | null;
  readonly isBackup: boolean;
  /** Of all processes together; 0 is no limit. */
  readonly mostConnections: number;
  readonly mostWeight: number = Number.POSITIVE_INFINITY;
  readonly pool: UpstreamPool;
  readonly elsewhere: OpenElsewhere = new OpenElsewhere();
  /** What the director says. */
  isStanding: boolean;
  weight: number;

  constructor(upstream: string, plan: UpstreamServerPlan, pool: UpstreamPool) {
    this.plan = plan;
    // Who is found by a name waits for the director's word, which is on its way.
    this.isStanding = plan.name === null || plan.probe === null;
    this.id = proxiedServerId("upstream", upstream, plan);
    this.endpoint = { address: plan.address, port: plan.port };
    this.key = formatEndpoint(this.endpoint);
    this.probe = plan.probe;
    this.isBackup = plan.isBackup;
    this.mostConnections = plan.mostConnections;
    this.weight = plan.weight;
    this.pool = pool;
  }

  get connections(): UpstreamPool {
    return this.pool;
  }

  /** Requests that wait for their response, and WebSockets, of all processes. */
  get activeConnections(): number {
    return this.elsewhere.with(this.pool.inUse);
  }

  get isFull(): boolean {
    return this.pool.isFull;
  }

  /** A server that failed too many requests is out, whatever the director says. */
  get isUp(): boolean {
    return this.isStanding && this.pool.health?.isEjected !== true;
  }

  /** Takes what the director says: one that its check has found well again is taken back. */
  set isUp(isStanding: boolean) {
    if (isStanding && !this.isStanding) this.pool.health?.pardon();
    this.isStanding = isStanding;
  }

  get health(): ServerHealth | null {
    return this.pool.health;
  }
}
