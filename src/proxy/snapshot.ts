import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { ProxyPlan, RelayPlan, RoutePlan, UpstreamPlan } from "../config/node-plan.ts";
import { weightBy } from "../config/weight-word.ts";
import type { Verdict } from "../ipc/messages.ts";
import type { AccessLog } from "./access-log.ts";
import { compileHeaderRules, type HeaderRules } from "./headers.ts";
import { HostTable, sortRoutes } from "./routes.ts";
import { SmoothWeighted, type Candidate } from "./selection/smooth-weighted.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

/** A server with its standing verdict. */
export interface Server extends Candidate {
  readonly endpoint: Endpoint;
  readonly probe: string | null;
  isUp: boolean;
  /** What the file says; `weight` is that, or what the check makes of it. */
  readonly configuredWeight: number;
  weight: number;
}

/** A server of an upstream, with this process's connections to it. */
export interface HttpServer extends Server {
  readonly pool: UpstreamPool;
}

/** A site, ready for use. */
export interface Site {
  readonly hosts: readonly string[];
  readonly maxBodyBytes: number;
  readonly accessLog: AccessLog | null;
  readonly routes: readonly { readonly path: string; readonly to: Route }[];
}

/** Where a request goes and how. */
export interface Route {
  readonly plan: RoutePlan;
  readonly balancer: SmoothWeighted<HttpServer>;
  readonly rules: HeaderRules;
}

/** A TCP service relayed in user space. */
export interface Relay {
  readonly plan: RelayPlan;
  readonly balancer: SmoothWeighted<Server>;
}

/** Everything that follows from one plan. A request keeps the snapshot it began with, so a reload changes no running one. */
export interface Snapshot {
  readonly plan: ProxyPlan;
  /** Hosts by the listener's name. */
  readonly hosts: ReadonlyMap<string, HostTable<Site>>;
  readonly relays: ReadonlyMap<string, Relay>;
  readonly servers: readonly Server[];
}

/** What a snapshot shares with the one before it. */
export interface SnapshotContext {
  pool(plan: UpstreamPlan, endpoint: Endpoint): UpstreamPool;
  accessLog(path: string): AccessLog;
}

/** Makes a plan ready for use. */
export function compileSnapshot(plan: ProxyPlan, context: SnapshotContext): Snapshot {
  const servers: Server[] = [];
  const balancers = new Map<string, SmoothWeighted<HttpServer>>();
  for (const upstream of plan.upstreams) {
    const group = upstream.servers.map(({ address, port, weight, isBackup, probe }): HttpServer => {
      const endpoint = { address, port };
      const pool = context.pool(upstream, endpoint);
      return { endpoint, weight, configuredWeight: weight, isBackup, probe, isUp: true, pool };
    });
    servers.push(...group);
    balancers.set(upstream.name, new SmoothWeighted(group));
  }
  const relays = new Map<string, Relay>();
  for (const relay of plan.relays) {
    const group = relay.servers.map(({ address, port, weight, probe }): Server => {
      // Plain round robin is the weighted one with equal weights; 0 stays 0.
      const share = relay.scheduler === "rr" ? Math.min(weight, 1) : weight;
      const endpoint = { address, port };
      return { endpoint, weight: share, configuredWeight: share, isBackup: false, probe, isUp: true };
    });
    servers.push(...group);
    relays.set(relay.name, { plan: relay, balancer: new SmoothWeighted(group) });
  }
  return { plan, hosts: compileHosts(plan, balancers, context), relays, servers };
}

function compileHosts(
  plan: ProxyPlan,
  balancers: ReadonlyMap<string, SmoothWeighted<HttpServer>>,
  context: SnapshotContext,
): ReadonlyMap<string, HostTable<Site>> {
  const hosts = new Map<string, HostTable<Site>>();
  for (const listener of plan.listeners) hosts.set(listener.name, new HostTable());
  for (const site of plan.sites) {
    const accessLog = site.accessLog === null ? null : context.accessLog(site.accessLog.path);
    const routes = sortRoutes(site.routes).map((route) => {
      const balancer = balancers.get(route.upstream);
      if (balancer === undefined)
        throw new Error(`route ${route.path} names an unknown upstream ${route.upstream}`);
      return {
        path: route.path,
        to: { plan: route, balancer, rules: compileHeaderRules(route.responseHeaders) },
      };
    });
    for (const name of site.listeners) {
      const table = hosts.get(name);
      if (table === undefined)
        throw new Error(`site ${site.hosts.join(" ")} names an unknown listener ${name}`);
      table.add({ hosts: site.hosts, maxBodyBytes: site.maxBodyBytes, accessLog, routes });
    }
  }
  return hosts;
}

/** Applies verdicts to the servers that depend on them. */
export function applyVerdicts(servers: readonly Server[], verdicts: readonly Verdict[]): void {
  const byProbe = new Map(verdicts.map((verdict) => [verdict.probe, verdict]));
  for (const server of servers) {
    const verdict = server.probe === null ? undefined : byProbe.get(server.probe);
    if (verdict === undefined) continue;
    server.isUp = verdict.isUp;
    server.weight = weightBy(server.configuredWeight, verdict.weight);
  }
}

/** Gives the shortest time limit in a plan, in milliseconds. */
export function shortestTimeoutMs(plan: ProxyPlan): number {
  return Math.min(
    Number.POSITIVE_INFINITY,
    ...plan.listeners.flatMap((listener) => [listener.headTimeoutMs, listener.idleTimeoutMs]),
    ...plan.relays.map((relay) => relay.connectTimeoutMs),
    ...plan.upstreams.map((upstream) => upstream.keepAliveIdleMs),
    ...plan.sites.flatMap((site) =>
      site.routes.flatMap((route) => [route.connectTimeoutMs, route.sendTimeoutMs, route.readTimeoutMs]),
    ),
  );
}

/** Names a pool. */
export function poolKey(upstream: string, endpoint: Endpoint): string {
  return `${upstream} ${formatEndpoint(endpoint)}`;
}
