import { join } from "node:path";
import { noContent, type CachePlan } from "../../src/config/content-plan.ts";
import type { ProxyPlan } from "../../src/config/node-plan.ts";
import { plainListenerPolicy, plainRouting } from "../../src/config/routing-plan.ts";
import {
  fileLog,
  listener,
  route,
  simplePlan,
  site,
  upstream,
  upstreamServer,
} from "../../test/support/proxy-driver.ts";
import type { Place } from "./place.ts";

/** What a proxy does beside passing requests on. */
export interface Site {
  readonly isSecure: boolean;
  /** Access log, header rules, limits, lists, several hosts and routes, and servers that are judged. */
  readonly isWhole: boolean;
  /** Answers are encoded in gzip at this level. */
  readonly gzipLevel?: number;
  /** Answers are kept as long as they say. */
  readonly isCached?: boolean;
}

/** Where one proxy listens and whom it asks. */
export interface Ends {
  readonly port: number;
  readonly origin: number;
}

/** Idle connections to the server, more than there are clients, for both. */
const keptIdle = 1024;

const usualCache: CachePlan = {
  maxObjectBytes: 1024 ** 2,
  ttlMs: 0,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  lockTimeoutMs: 5000,
  disk: null,
};

/** What published set-ups give their proxies. */
const usualBuffers =
  "proxy_buffer_size 4k; proxy_buffers 4 32k; proxy_busy_buffers_size 64k; proxy_max_temp_file_size 0; proxy_request_buffering off; client_max_body_size 0;";
const forwarded = `proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
  proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host;`;

/** The configuration of nginx: both versions of TLS, as everybody has them, though 1.22 takes only the older one by itself. */
export function nginxSite(
  place: Place,
  { gzipLevel, isCached, isSecure, isWhole }: Site,
  { origin, port }: Ends,
): string {
  const tls = isSecure
    ? `ssl_certificate ${place.certificate}; ssl_certificate_key ${place.key}; ssl_protocols TLSv1.2 TLSv1.3;`
    : "";
  const listen = `listen 127.0.0.1:${port}${isSecure ? " ssl http2" : ""};`;
  const pass = `proxy_pass http://apps; ${forwarded} ${usualBuffers}`;
  const gzip =
    gzipLevel === undefined
      ? ""
      : `gzip on; gzip_comp_level ${gzipLevel}; gzip_min_length 1024; gzip_vary on;`;
  const cache = isCached === true ? nginxCache(join(place.folder, `nginx-cache-${port}`)) : "";
  if (!isWhole) {
    return `access_log off; ${gzip} ${cache} upstream apps { server 127.0.0.1:${origin}; keepalive ${keptIdle}; keepalive_requests 100000000; }
      server { ${listen} ${tls} location / { ${pass} } }`;
  }
  const rules = `proxy_set_header X-Request-ID $request_id; proxy_set_header X-Edge edge-1; proxy_hide_header Server;
    add_header Strict-Transport-Security "max-age=31536000"; add_header X-Content-Type-Options nosniff;
    add_header Referrer-Policy same-origin;`;
  return `access_log ${join(place.folder, `nginx-${port}.log`)} main buffer=64k flush=1s;
    limit_req_zone $binary_remote_addr zone=r:10m rate=1000000r/s; limit_conn_zone $binary_remote_addr zone=c:10m;
    upstream apps { server 127.0.0.1:${origin} max_fails=3 fail_timeout=10s; keepalive ${keptIdle}; keepalive_requests 100000000; }
    server { ${listen} ${tls} server_name other.example; return 404; }
    server { ${listen} ${tls} server_name 127.0.0.1; limit_conn c 10000; limit_req zone=r burst=100000 nodelay;
      deny 192.0.2.0/24; deny 198.51.100.0/24; deny 203.0.113.0/24; client_max_body_size 16m; large_client_header_buffers 4 16k;
      location /api/ { ${pass} ${rules} } location /assets/ { ${pass} ${rules} } location / { ${pass} ${rules} } }`;
}

/** It keeps answers in files, which the kernel has in memory. */
function nginxCache(folder: string): string {
  return `open_file_cache max=1000; proxy_cache_path ${folder} keys_zone=kept:10m; proxy_cache kept; add_header X-Cache $upstream_cache_status;`;
}

/** The sections of HAProxy. */
export function haproxySite(
  place: Place,
  { isCached, isSecure, isWhole }: Site,
  { origin, port }: Ends,
): string {
  const tls = isSecure ? ` ssl crt ${place.pair} alpn h2,http/1.1` : "";
  const rules = isWhole
    ? [
        "log stdout format raw daemon",
        "option httplog",
        "unique-id-format %{+X}o%ci%cp%Ts%rt",
        "unique-id-header X-Request-ID",
        "http-request deny if { src 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 }",
        "stick-table type ip size 100k expire 60s store http_req_rate(1s),conn_cur",
        "http-request track-sc0 src",
        "http-request deny if { sc_http_req_rate(0) gt 1000000 }",
        "http-request set-header X-Edge edge-1",
        "http-response del-header Server",
        'http-response set-header Strict-Transport-Security "max-age=31536000"',
        "http-response set-header X-Content-Type-Options nosniff",
        "http-response set-header Referrer-Policy same-origin",
      ]
    : isCached === true
      ? ["http-request cache-use kept", "http-response cache-store kept"]
      : [];
  const cache = isCached === true ? "cache kept\n  total-max-size 16\n  max-object-size 100000\n" : "";
  const check = isWhole ? " check" : "";
  return (
    `${cache}frontend f\n  bind 127.0.0.1:${port}${tls}\n${rules.map((rule) => `  ${rule}\n`).join("")}  default_backend b\n` +
    `backend b\n  option forwardfor\n  server s 127.0.0.1:${origin}${check}\n`
  );
}

/** Our plan. */
export function ourSite(
  place: Place,
  { gzipLevel, isCached, isSecure, isWhole }: Site,
  { origin, port }: Ends,
): ProxyPlan {
  const { certificate, key } = place;
  const tls = isSecure
    ? { certificates: [{ certificate, key }], minVersion: "1.2" as const, ciphers: null, clients: null }
    : null;
  const http2 = isSecure;
  if (!isWhole) {
    const upstreams = [upstream("apps", [upstreamServer(origin)], { keepAliveConnections: keptIdle })];
    const compression =
      gzipLevel === undefined
        ? null
        : {
            codings: ["gzip"] as const,
            types: ["text/html"],
            minBytes: 1024,
            levels: { gzip: gzipLevel, br: 4, zstd: 2 },
          };
    const sites = [
      site(
        ["*"],
        [
          route("/", "apps", {
            content: { ...noContent, cache: isCached === true ? usualCache : null, compression },
          }),
        ],
      ),
    ];
    return simplePlan(port, [], { listeners: [listener(port, { tls, http2 })], upstreams, sites });
  }
  const prefixes = ["192.0.2.0", "198.51.100.0", "203.0.113.0"].map((address) => ({ address, length: 24 }));
  const access = { allow: null, deny: { prefixes, files: [] } };
  const rateLimit = {
    id: "site",
    intervalMs: 0.001,
    burst: 100_000,
    delays: false,
    key: { kind: "source" } as const,
  };
  const more = {
    admission: { basicAuth: null, rateLimit, connectionLimit: null },
    responseHeaders: {
      remove: ["Server"],
      set: [
        ["Strict-Transport-Security", "max-age=31536000"],
        ["X-Content-Type-Options", "nosniff"],
        ["Referrer-Policy", "same-origin"],
      ] as const,
      add: [],
    },
    routing: {
      ...plainRouting,
      access,
      requestHeaders: { remove: [], set: [["X-Edge", "edge-1"]] as const, add: [] },
    },
  };
  const routes = ["/api/", "/assets/", "/"].map((path) => route(path, "apps", more));
  const accessLog = fileLog(join(place.folder, `ours-${port}.log`));
  const ids = { requestId: true, trace: false };
  const ejection = {
    failures: 3,
    windowMs: 10_000,
    timeMs: 10_000,
    mostTimeMs: 60_000,
    mostPercent: 50,
    on: ["connect", "closed", "timeout"] as const,
  };
  const servers = [upstreamServer(origin, { probe: "tcp" })];
  return simplePlan(port, [], {
    listeners: [listener(port, { tls, http2, mostPerSource: 10_000, policy: plainListenerPolicy })],
    upstreams: [upstream("apps", servers, { ejection, keepAliveConnections: keptIdle })],
    sites: [site(["other.example"], [route("/", "apps")]), site(["127.0.0.1"], routes, { accessLog, ids })],
  });
}
