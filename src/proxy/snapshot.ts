import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { ContentPlan, ErrorPagesPlan } from "../config/content-plan.ts";
import type { RoutePlan, UpstreamPlan } from "../config/http-plan.ts";
import type { AdmissionPlan } from "../config/admission-plan.ts";
import type { ProxyPlan, RelayPlan, RelayServerPlan } from "../config/node-plan.ts";
import { proxiedServerId } from "../config/proxied-plan.ts";
import type { Pages } from "../ipc/pages.ts";
import type { ServerStanding } from "../ipc/standing.ts";
import type { AccessLog } from "./access-log.ts";
import type { Gate } from "./admission/gate.ts";
import type { ResponseSink } from "./exchange.ts";
import { fileGate } from "./content/files.ts";
import { ErrorPages } from "./content/error-pages.ts";
import { interceptor } from "./content/intercept.ts";
import { maintenanceGate } from "./content/maintenance.ts";
import { compileHeaderRules, type HeaderRules } from "./headers.ts";
import type { RequestView } from "./request-view.ts";
import { HostTable, sortRoutes, type RouteEntry } from "./routes.ts";
import { makeScheduler } from "./selection/make-scheduler.ts";
import type { RelayCandidate, Scheduler } from "./selection/scheduler.ts";
import type { Persistence } from "./persistence.ts";
import { HttpServer } from "./http-server.ts";
import type { Server } from "./server.ts";
import type { ServerLoad } from "./server-load.ts";
import { Upstream } from "./upstream.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

/** A site, ready for use. */
export interface Site {
  readonly hosts: readonly string[];
  readonly maxBodyBytes: number;
  readonly accessLog: AccessLog | null;
  /** For answers that belong to no route; null is the usual texts. */
  readonly errorPages: ErrorPages | null;
  readonly routes: readonly RouteEntry<Route>[];
}

/** Puts itself between the response and the client if this request is one for it; null if not. */
export type ResponseFilter = (view: RequestView, client: ResponseSink) => ResponseSink | null;

/** Where a request goes and how. */
export interface Route {
  readonly plan: RoutePlan;
  readonly upstream: Upstream;
  readonly rules: HeaderRules;
  /** In place of the usual texts for errors; null leaves those. */
  readonly errorPages: ErrorPages | null;
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
  /** Makes the gates of a route. */
  gates(plan: AdmissionPlan): readonly Gate[];
  /** Gives numbers from 0 to below 1. */
  random(): number;
}

/** Makes a plan ready for use. */
export function compileSnapshot(plan: ProxyPlan, context: SnapshotContext, pages: Pages = {}): Snapshot {
  const servers: Server[] = [];
  const upstreams = new Map<string, Upstream>();
  for (const upstream of plan.upstreams) {
    const group = upstream.servers.map(
      (server) => new HttpServer(upstream.name, server, context.pool(upstream, server)),
    );
    servers.push(...group);
    upstreams.set(upstream.name, new Upstream(upstream, group, () => context.random()));
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
  return { plan, hosts: compileHosts(plan, upstreams, context, pages), relays, servers };
}

function relayServer(relay: RelayPlan, plan: RelayServerPlan, load: ServerLoad): RelayServer {
  const { address, port, weight, probe } = plan;
  const endpoint = { address, port };
  // Plain round robin is the weighted one with equal weights; 0 stays 0.
  const mostWeight = relay.scheduler === "rr" ? 1 : Number.POSITIVE_INFINITY;
  return {
    id: proxiedServerId("relay", relay.name, plan),
    endpoint,
    key: formatEndpoint(endpoint),
    probe,
    isUp: probe === null || !relay.startsDown,
    isBackup: false,
    weight: Math.min(weight, mostWeight),
    mostWeight,
    load,
    connections: load,
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
  upstreams: ReadonlyMap<string, Upstream>,
  context: SnapshotContext,
  pages: Pages,
): ReadonlyMap<string, HostTable<Site>> {
  const hosts = new Map<string, HostTable<Site>>();
  for (const listener of plan.listeners) hosts.set(listener.name, new HostTable());
  for (const site of plan.sites) {
    const accessLog = site.accessLog === null ? null : context.accessLog(site.accessLog.path);
    const errorPages = compilePages(site.errorPages, pages);
    const routes = sortRoutes(site.routes).map((route) => {
      const upstream = upstreams.get(route.upstream);
      if (upstream === undefined)
        throw new Error(`route ${route.path} names an unknown upstream ${route.upstream}`);
      const content = compileContent(route.content, pages);
      return {
        path: route.path,
        matches: null,
        to: {
          plan: route,
          upstream,
          rules: compileHeaderRules(route.responseHeaders),
          ...content,
          gates: [...content.gates, ...context.gates(route.admission)],
        },
      };
    });
    for (const name of site.listeners) {
      const table = hosts.get(name);
      if (table === undefined)
        throw new Error(`site ${site.hosts.join(" ")} names an unknown listener ${name}`);
      table.add({ hosts: site.hosts, maxBodyBytes: site.maxBodyBytes, accessLog, errorPages, routes });
    }
  }
  return hosts;
}

function compilePages(plan: ErrorPagesPlan | null, pages: Pages): ErrorPages | null {
  return plan === null ? null : new ErrorPages(plan, pages);
}

function compileContent(
  { errorPages, files, maintenance }: ContentPlan,
  pages: Pages,
): Pick<Route, "errorPages" | "gates" | "filters"> {
  const own = compilePages(errorPages, pages);
  return {
    errorPages: own,
    gates: [
      // Before the maintenance, whose page may show pictures.
      ...(files === null ? [] : [fileGate(files, pages)]),
      ...(maintenance === null ? [] : [maintenanceGate(maintenance, pages)]),
    ],
    filters: own?.intercepts === true ? [interceptor(own)] : [],
  };
}

/** Takes how servers stand; one of which nothing is said stays as it is. */
export function applyStandings(servers: readonly Server[], standings: readonly ServerStanding[]): void {
  const byServer = new Map(standings.map((standing) => [standing.server, standing]));
  for (const server of servers) {
    const standing = byServer.get(server.id);
    if (standing === undefined) continue;
    server.isUp = standing.isOpen;
    server.weight = Math.min(standing.weight, server.mostWeight);
    server.connections.attend(standing);
  }
}

/** Gives the shortest time limit in a plan, in milliseconds. */
export function shortestTimeoutMs(plan: ProxyPlan): number {
  return Math.min(
    Number.POSITIVE_INFINITY,
    ...plan.listeners.flatMap((listener) => [
      listener.headTimeoutMs,
      listener.idleTimeoutMs,
      listener.proxyProtocol?.timeoutMs ?? Number.POSITIVE_INFINITY,
    ]),
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
