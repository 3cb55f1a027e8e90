import type { ContentPlan } from "./content-plan.ts";
import { admissionPlan } from "./build-admission.ts";
import type { ListenerConfig, NamedServers, UpstreamConfig } from "./http-config.ts";
import {
  headerRulesPlan,
  listenerPolicyPlan,
  routePath,
  routingPlan,
  sitePolicyPlan,
} from "./build-routing.ts";
import type {
  AccessLogPlan,
  PaceLimitPlan,
  RouteLimitsPlan,
  RoutePlan,
  SitePlan,
  TlsListenerPlan,
  UpstreamTlsPlan,
} from "./http-plan.ts";
import type { LookupPlan } from "./lookup-plan.ts";
import { joinHeaderRules } from "./routing-plan.ts";
import type { ContentEntry } from "./schema/content.ts";
import type { AccessLogEntry } from "./schema/access-log.ts";
import type { RouteLimitsEntry } from "./schema/head-limits.ts";
import type { ListenerEntry } from "./schema/listener.ts";
import type { RouteEntry } from "./schema/route.ts";
import type { SiteEntry } from "./schema/site.ts";
import { resolvedFamilies, usualResolve, type NamedPlace } from "./schema/resolve.ts";
import type { SlowClientsEntry } from "./schema/slow-clients.ts";
import type { UpstreamEntry, UpstreamServerEntry } from "./schema/upstream.ts";
import type { UpstreamTlsEntry } from "./schema/upstream-tls.ts";
import type { RouteRetriesEntry } from "./schema/upstream-faults.ts";
import type { RetryRules, UpstreamPolicy } from "./upstream-policy.ts";
import { checksBehind } from "./checks/proxy-protocol.ts";

const defaultHashBound = 1.25;
const usualAltSvcMs = 86_400_000;

/** Makes what the rest of the program reads of a listener. */
export function listenerConfig(entry: ListenerEntry): ListenerConfig {
  return {
    name: entry.name,
    place: { ...entry.address, vips: entry.vips },
    headTimeoutMs: entry.head_timeout,
    idleTimeoutMs: entry.idle_timeout,
    tls: tlsPlan(entry),
    upload: paceLimit(entry.slow_clients.upload, entry.slow_clients),
    download: paceLimit(entry.slow_clients.download, entry.slow_clients),
    headLimits: {
      startLineBytes: entry.limits.url,
      headBytes: entry.limits.header,
      fields: entry.limits.fields,
    },
    mostConnections: entry.max_connections,
    mostPerSource: entry.max_connections_per_source,
    proxyProtocol:
      entry.proxy_protocol === null
        ? null
        : { from: entry.proxy_protocol.from, timeoutMs: entry.proxy_protocol.timeout },
    http2: entry.http2,
    http3: entry.http3 ? { rememberedS: Math.round((entry.alt_svc ?? usualAltSvcMs) / 1000) } : null,
    policy: listenerPolicyPlan(entry),
  };
}

function tlsPlan(entry: ListenerEntry): TlsListenerPlan | null {
  if (entry.tls === null) return null;
  return {
    certificates: entry.tls,
    minVersion: entry.tls_min_version,
    ciphers: entry.tls_ciphers,
    clients: entry.client_certificates,
  };
}

function upstreamPolicy(entry: UpstreamEntry): UpstreamPolicy {
  const { balance, ejection, hash, queue, retries, sticky } = entry;
  return {
    balance,
    hash,
    hashBound: entry.hash_bound ?? defaultHashBound,
    sticky:
      sticky === null
        ? null
        : {
            cookie: sticky.cookie,
            secret: sticky.secret,
            ttlMs: sticky.ttl,
            path: sticky.path,
            isSecure: sticky.secure,
            isHttpOnly: sticky.http_only,
            sameSite: sticky.same_site,
          },
    ejection:
      ejection === null
        ? null
        : {
            failures: ejection.failures,
            windowMs: ejection.window,
            timeMs: ejection.time,
            mostTimeMs: ejection.max_time,
            mostPercent: ejection.max_percent,
            on: ejection.on,
          },
    retries: { ...retryRules(retries), budget: retries.budget },
    queue: queue === null ? null : { length: queue.length, timeoutMs: queue.timeout },
  };
}

function retryRules({ hedge, on, timeout, tries }: RouteRetriesEntry): RetryRules {
  return { tries, timeoutMs: timeout, on, hedgeMs: hedge };
}

/** Makes what the rest of the program reads of an upstream. */
export function upstreamConfig(entry: UpstreamEntry): UpstreamConfig {
  return {
    name: entry.name,
    ...upstreamPolicy(entry),
    servers: entry.servers.flatMap((server) =>
      "name" in server.address
        ? []
        : [{ ...server.address, ...serverPolicy(server, entry), vips: [], name: null }],
    ),
    named: entry.servers.flatMap((server) => {
      const { address } = server;
      if (!("name" in address)) return [];
      return [{ ...serverPolicy(server, entry), lookup: lookupPlan(address, entry), port: address.port }];
    }),
    proxyProtocol: entry.proxy_protocol,
    http2: entry.http2,
    keepAliveConnections: entry.keepalive.connections,
    keepAliveIdleMs: entry.keepalive.idle,
    keepAliveRequests: entry.keepalive.max_requests,
    keepAliveAgeMs: entry.keepalive.max_age,
    tls: entry.tls === null ? null : upstreamTls(entry.tls),
  };
}

function serverPolicy(
  server: UpstreamServerEntry,
  upstream: UpstreamEntry,
): Omit<NamedServers, "lookup" | "port"> {
  return {
    weight: server.weight,
    checks: checksBehind(server.check ?? upstream.check ?? [], upstream.proxy_protocol),
    isBackup: server.backup,
    isDrained: server.drain,
    mostConnections: server.max_connections ?? upstream.max_connections,
    slowStartMs: server.slow_start ?? upstream.slow_start,
  };
}

function lookupPlan({ name, port }: NamedPlace, { name: upstream, resolve }: UpstreamEntry): LookupPlan {
  const how = resolve ?? usualResolve;
  return {
    id: `${upstream} ${name}`,
    upstream,
    name,
    kind: port === null ? "srv" : "address",
    families: resolvedFamilies[how.family],
    resolvers: how.resolvers,
    timeoutMs: how.timeout,
    tries: how.tries,
    minTtlMs: how.min_ttl,
    maxTtlMs: how.max_ttl,
    keepMs: how.keep,
    mostServers: how.max_servers,
  };
}

function upstreamTls({ verify, ca, server_name, certificate, key }: UpstreamTlsEntry): UpstreamTlsPlan {
  const identity = certificate === null || key === null ? null : { certificate, key };
  return { verifies: verify, ca, serverName: server_name, identity };
}

/** Makes what the rest of the program reads of a site. */
export function sitePlan(entry: SiteEntry): SitePlan {
  return {
    hosts: entry.hosts,
    listeners: entry.listeners,
    accessLog: entry.access_log === false || entry.access_log === null ? null : accessLog(entry.access_log),
    ids: entry.request_id || entry.trace ? { requestId: entry.request_id, trace: entry.trace } : null,
    errorPages: entry.error_pages,
    responseHeaders: headerRulesPlan(entry.response_headers),
    compression: entry.compression === false ? null : entry.compression,
    policy: sitePolicyPlan(entry),
    routes: entry.route.map((route, index) => ({
      ...routePlan(route, entry),
      admission: admissionPlan(entry, route, index),
    })),
  };
}

function routePlan(entry: RouteEntry, site: SiteEntry): Omit<RoutePlan, "admission"> {
  return {
    path: routePath(entry),
    upstream: entry.upstream,
    retries: entry.retries === null ? null : retryRules(entry.retries),
    connectTimeoutMs: entry.timeouts.connect,
    sendTimeoutMs: entry.timeouts.send,
    readTimeoutMs: entry.timeouts.read,
    maxBodyBytes: entry.max_body ?? site.max_body,
    headLimits: routeLimits(entry.limits ?? site.limits),
    responseHeaders: joinHeaderRules(
      headerRulesPlan(site.response_headers),
      headerRulesPlan(entry.response_headers),
    ),
    accessLog:
      entry.access_log === false ? "off" : entry.access_log === null ? null : accessLog(entry.access_log),
    content: contentPlan(entry, site),
    routing: routingPlan(entry, site),
  };
}

function paceLimit(bytesPerS: number, { stall, window }: SlowClientsEntry): PaceLimitPlan {
  return { bytesPerS, windowMs: window, stallMs: stall };
}

function routeLimits(entry: RouteLimitsEntry | null): RouteLimitsPlan | null {
  if (entry === null) return null;
  return { startLineBytes: entry.url, headBytes: entry.header, fields: entry.fields };
}

/** What a route says replaces what its site does. */
function contentPlan(route: ContentEntry, site: ContentEntry): ContentPlan {
  const maintenance = route.maintenance ?? site.maintenance;
  const cache = route.cache ?? site.cache;
  const compression = route.compression ?? site.compression;
  return {
    errorPages: route.error_pages ?? site.error_pages,
    maintenance: maintenance === false ? null : maintenance,
    files: route.files ?? site.files,
    cache: cache === false ? null : cache,
    compression: compression === false ? null : compression,
  };
}

function accessLog({ path, syslog, tag, format, escape }: AccessLogEntry): AccessLogPlan {
  if (typeof syslog === "string") return { to: { kind: "local-syslog", path: syslog, tag }, format, escape };
  if (syslog !== null) return { to: { kind: "syslog", endpoint: syslog, tag }, format, escape };
  const to =
    path === null || path === "stdout" ? { kind: "stdout" as const } : { kind: "file" as const, path };
  return { to, format, escape };
}
