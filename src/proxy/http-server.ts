import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { UpstreamServerPlan } from "../config/http-plan.ts";
import { proxiedServerId } from "../config/proxied-plan.ts";
import type { RelayCandidate } from "./selection/scheduler.ts";
import type { Server } from "./server.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

/** A server of an upstream, with this process's connections to it. */
export class HttpServer implements Server, RelayCandidate {
  readonly id: string;
  readonly key: string;
  readonly endpoint: Endpoint;
  readonly probe: string | null;
  readonly isBackup: boolean;
  readonly mostWeight: number = Number.POSITIVE_INFINITY;
  readonly pool: UpstreamPool;
  isUp = true;
  weight: number;

  constructor(upstream: string, plan: UpstreamServerPlan, pool: UpstreamPool) {
    this.id = proxiedServerId("upstream", upstream, plan);
    this.endpoint = { address: plan.address, port: plan.port };
    this.key = formatEndpoint(this.endpoint);
    this.probe = plan.probe;
    this.isBackup = plan.isBackup;
    this.weight = plan.weight;
    this.pool = pool;
  }

  get connections(): UpstreamPool {
    return this.pool;
  }

  /** Requests that wait for their response, and WebSockets, of this process. */
  get activeConnections(): number {
    return this.pool.inUse;
  }

  get isFull(): boolean {
    return false;
  }
}
