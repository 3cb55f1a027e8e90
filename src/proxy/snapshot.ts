import type { RouteCache, SharedCache } from "./cache/route-cache.ts";
import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type {
  AccessLogPlan,
  RequestIdsPlan,
  RoutePlan,
  UpstreamPlan,
  UpstreamServerPlan,
} from "../config/http-plan.ts";
import type { RetryRules } from "../config/upstream-policy.ts";
import type { AdmissionPlan } from "../config/admission-plan.ts";
import type { ProxyPlan, RelayPlan, RelayServerPlan } from "../config/node-plan.ts";
import type { Found } from "../config/named-servers.ts";
import { upstreamServers } from "../config/plan-proxy.ts";
import { proxiedServerId } from "../config/proxied-plan.ts";
import type { Pages } from "../ipc/pages.ts";
import type { ServerStanding } from "../ipc/standing.ts";
import type { RequestLog } from "./access-log.ts";
import type { Gate, PromptGate } from "./admission/gate.ts";
import type { ResponseSink } from "./exchange-client.ts";
import { compileHosts } from "./compile-sites.ts";
import type { FindClient } from "./policy/client.ts";
import type { Finishing } from "./own-answer.ts";
import type { OutgoingRules } from "./policy/outgoing.ts";
import type { RequestView } from "./request-view.ts";
import type { HostTable, RouteEntry } from "./routes.ts";
import { makeScheduler } from "./selection/make-scheduler.ts";
import type { RelayCandidate, Scheduler } from "./selection/scheduler.ts";
import type { Persistence } from "./persistence.ts";
import { HttpServer } from "./http-server.ts";
import type { Server } from "./server.ts";
import type { ServerLoad } from "./server-load.ts";
import { Upstream } from "./upstream.ts";
import type { UpstreamState } from "./upstream-state.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

/** A site, ready for use. */
export interface Site extends Finishing {
  readonly hosts: readonly string[];
  readonly accessLog: RequestLog | null;
  /** Whether a route of it is logged elsewhere. */
  readonly hasRouteLogs: boolean;
  readonly ids: RequestIdsPlan | null;
  /** Finds out who sent a request; null where it is whoever the connection belongs to. */
  readonly findClient: FindClient | null;
  /** Asked where none of the routes takes a request. */
  readonly gates: readonly Gate[];
  readonly routes: readonly RouteEntry<Route>[];
}

/** Puts itself between the response and the client if this request is one for it; null if not. */
export type ResponseFilter = (view: RequestView, client: ResponseSink) => ResponseSink | null;

/** Where a request goes and how. */
export interface Route extends Finishing {
  readonly plan: RoutePlan;
  readonly upstream: Upstream;
  readonly retries: RetryRules;
  readonly log: RequestLog | null;
  /** Null where requests go on as they came. */
  readonly outgoing: OutgoingRules | null;
  /** Null asks a server each time. */
  readonly cache: RouteCache | null;
  /** Asked in this order before the request goes anywhere. */
  readonly gates: readonly Gate[];
  /** Answers without a server what the gates let pass; null leaves that to a server. */
  readonly reply: PromptGate | null;
}

/** A server of a relay; its `activeConnections` are those of all processes, its load is that of this one. */
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
  readonly upstreams: ReadonlyMap<string, Upstream>;
}

/** What a snapshot shares with the one before it. */
export interface SnapshotContext {
  /** Gives what is remembered of an upstream. */
  state(upstream: string): UpstreamState;
  pool(plan: UpstreamPlan, server: UpstreamServerPlan): UpstreamPool;
  load(relay: string, server: RelayServerPlan): ServerLoad;
  /** Gives what is known of a relay's clients, or null if it does not matter where they go. */
  persistence(plan: RelayPlan): Persistence | null;
  accessLog(plan: AccessLogPlan): RequestLog;
  /** What names of servers stand for. */
  readonly found: Found;
  /** What is kept of the servers' answers. */
  readonly cache: SharedCache;
  /** Makes the gates of a route. */
  gates(plan: AdmissionPlan): readonly Gate[];
  /** Gives what stands in a file that the plan names. */
  file(path: string): string;
  /** Gives numbers from 0 to below 1. */
  random(): number;
}

/** Makes a plan ready for use. */
export function compileSnapshot(plan: ProxyPlan, context: SnapshotContext, pages: Pages = {}): Snapshot {
  const upstreams = new Map<string, Upstream>();
  for (const upstream of plan.upstreams) {
    const group = httpServers(upstream, context, []);
    const state = context.state(upstream.name);
    upstreams.set(upstream.name, new Upstream(upstream, group, { state, random: () => context.random() }));
  }
  const relays = new Map<string, Relay>();
  for (const relay of plan.relays) {
    const group = relay.servers.map((server) => relayServer(relay, server, context.load(relay.name, server)));
    const scheduler =
      context.persistence(relay)?.scheduler(group) ??
      makeScheduler(relay.scheduler, relay.schedulerFlags, group, () => context.random());
    relays.set(relay.name, { plan: relay, servers: group, scheduler });
  }
  const hosts = compileHosts(plan, upstreams, context, pages);
  // Not before it is sure that the plan comes into force: until then the state belongs to the one before.
  for (const upstream of upstreams.values()) upstream.state.configure(upstream, plan.workers);
  return { plan, hosts, relays, upstreams };
}

/** Gives upstreams the servers that their names stand for now; what goes on is the very same server as before. */
export function takeFound(
  { plan, upstreams }: Snapshot,
  context: Pick<SnapshotContext, "found" | "pool">,
): void {
  for (const upstream of upstreams.values()) {
    if (upstream.plan.named.length === 0) continue;
    const servers = httpServers(upstream.plan, context, upstream.servers);
    upstream.take(servers);
    upstream.state.configure(upstream, plan.workers);
  }
}

function httpServers(
  upstream: UpstreamPlan,
  context: Pick<SnapshotContext, "found" | "pool">,
  before: readonly HttpServer[],
): readonly HttpServer[] {
  const known = new Map(before.map((server) => [server.key, server]));
  return upstreamServers(upstream, context.found).map((server) => {
    const same = known.get(formatEndpoint(server));
    if (same !== undefined && Bun.deepEquals(same.plan, server)) return same;
    const made = new HttpServer(upstream.name, server, context.pool(upstream, server));
    if (same !== undefined) made.isUp = same.isStanding;
    return made;
  });
}

/** Gives every server of relays and upstreams. */
export function allServers({ relays, upstreams }: Snapshot): readonly Server[] {
  return [
    ...[...upstreams.values()].flatMap(({ servers }) => servers),
    ...[...relays.values()].flatMap(({ servers }) => servers),
  ];
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
      return load.elsewhere.with(load.activeConnections);
    },
    get isFull() {
      return load.looksFull();
    },
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
      ...[listener.upload, listener.download].flatMap(({ bytesPerS, stallMs, windowMs }) =>
        bytesPerS === 0 ? [stallMs] : [stallMs, windowMs],
      ),
      listener.proxyProtocol?.timeoutMs ?? Number.POSITIVE_INFINITY,
    ]),
    ...plan.relays.map(({ connectTimeoutMs, udp }) => udp?.idleTimeoutMs ?? connectTimeoutMs),
    ...plan.upstreams.flatMap(({ keepAliveAgeMs, keepAliveIdleMs, queue, ejection, retries }) => [
      keepAliveIdleMs,
      ...(keepAliveAgeMs === null ? [] : [keepAliveAgeMs]),
      ...(retries.hedgeMs === null ? [] : [retries.hedgeMs]),
      ...(queue === null ? [] : [queue.timeoutMs]),
      ...(ejection === null ? [] : [ejection.timeMs]),
    ]),
    ...plan.sites.flatMap((site) =>
      site.routes.flatMap((route) => [
        route.connectTimeoutMs,
        route.sendTimeoutMs,
        route.readTimeoutMs,
        route.retries?.hedgeMs ?? Number.POSITIVE_INFINITY,
        route.content.cache?.lockTimeoutMs ?? Number.POSITIVE_INFINITY,
      ]),
    ),
  );
}

/** Names a server of an upstream or of a relay. */
export function poolKey(group: string, endpoint: Endpoint): string {
  return `${group} ${formatEndpoint(endpoint)}`;
}
