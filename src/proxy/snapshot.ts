import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { ProxyPlan, RelayPlan, RelayServerPlan } from "../config/node-plan.ts";
import type { RoutePlan, UpstreamPlan } from "../config/http-plan.ts";
import { weightBy } from "../config/weight-word.ts";
import type { Verdict } from "../ipc/messages.ts";
import type { AccessLog } from "./access-log.ts";
import type { Answer } from "./answer.ts";
import type { ResponseSink } from "./exchange.ts";
import { compileHeaderRules, type HeaderRules } from "./headers.ts";
import type { RequestView } from "./request-view.ts";
import { HostTable, sortRoutes, type RouteEntry } from "./routes.ts";
import { makeScheduler } from "./selection/make-scheduler.ts";
import type { RelayCandidate, Scheduler } from "./selection/scheduler.ts";
import { SmoothWeighted, type Candidate } from "./selection/smooth-weighted.ts";
import type { Persistence } from "./persistence.ts";
import type { ServerLoad } from "./server-load.ts";
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
  readonly routes: readonly RouteEntry<Route>[];
}

/** Lets a request pass, or answers it. */
export type Gate = (view: RequestView) => Answer | null;

/** Puts itself between the response and the client if this request is one for it; null if not. */
export type ResponseFilter = (view: RequestView, client: ResponseSink) => ResponseSink | null;

/** Where a request goes and how. */
export interface Route {
  readonly plan: RoutePlan;
  readonly balancer: SmoothWeighted<HttpServer>;
  readonly rules: HeaderRules;
  /** Asked in this order before the request goes anywhere. */
  readonly gates: readonly Gate[];
  /** The first is next to the server. */
  readonly filters: readonly ResponseFilter[];
}

/** A server of a relay, with this process's connections to it. */
export interface RelayServer extends Server, Pick<RelayCandidate, "key" | "activeConnections"> {
  readonly load: ServerLoad;
}

/** A service relayed in user space. */
export interface Relay {
  readonly plan: RelayPlan;
  readonly servers: readonly RelayServer[];
  readonly scheduler: Scheduler<RelayServer>;
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
  load(relay: string, server: RelayServerPlan, workers: number): ServerLoad;
  /** Gives what is known of a relay's clients, or null if it does not matter where they go. */
  persistence(plan: RelayPlan): Persistence | null;
  accessLog(path: string): AccessLog;
  /** Gives numbers from 0 to below 1. */
  random(): number;
}

/** Makes a plan ready for use. */
export function compileSnapshot(plan: ProxyPlan, context: SnapshotContext): Snapshot {
  const servers: Server[] = [];
  const balancers = new Map<string, SmoothWeighted<HttpServer>>();
  for (const upstream of plan.upstreams) {
    const group = upstream.servers.map(({ address, port, weight, isBackup, probe }): HttpServer => {
      const endpoint = { address, port };
      const pool = context.pool(upstream, endpoint);
      return { endpoint, weight, configuredWeight: weight, isBackup, probe, isUp: true, isFull: false, pool };
    });
    servers.push(...group);
    balancers.set(upstream.name, new SmoothWeighted(group));
  }
  const relays = new Map<string, Relay>();
  for (const relay of plan.relays) {
    const group = relay.servers.map((server) =>
      relayServer(relay, server, context.load(relay.name, server, plan.workers)),
    );
    servers.push(...group);
    const scheduler =
      context.persistence(relay)?.scheduler(group) ??
      makeScheduler(relay.scheduler, relay.schedulerFlags, group, () => context.random());
    relays.set(relay.name, { plan: relay, servers: group, scheduler });
  }
  return { plan, hosts: compileHosts(plan, balancers, context), relays, servers };
}

function relayServer(relay: RelayPlan, plan: RelayServerPlan, load: ServerLoad): RelayServer {
  const { address, port, weight, probe } = plan;
  const endpoint = { address, port };
  // Plain round robin is the weighted one with equal weights; 0 stays 0.
  const share = relay.scheduler === "rr" ? Math.min(weight, 1) : weight;
  return {
    endpoint,
    key: formatEndpoint(endpoint),
    probe,
    isUp: true,
    isBackup: false,
    configuredWeight: share,
    weight: share,
    load,
    get activeConnections() {
      return load.activeConnections;
    },
    get isFull() {
      return load.isFull;
    },
  };
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
        matches: null,
        to: {
          plan: route,
          balancer,
          rules: compileHeaderRules(route.responseHeaders),
          gates: [],
          filters: [],
        },
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
    ...plan.relays.map(({ connectTimeoutMs, udp }) => udp?.idleTimeoutMs ?? connectTimeoutMs),
    ...plan.upstreams.map((upstream) => upstream.keepAliveIdleMs),
    ...plan.sites.flatMap((site) =>
      site.routes.flatMap((route) => [route.connectTimeoutMs, route.sendTimeoutMs, route.readTimeoutMs]),
    ),
  );
}

/** Names a server of an upstream or of a relay. */
export function poolKey(group: string, endpoint: Endpoint): string {
  return `${group} ${formatEndpoint(endpoint)}`;
}
