/**
 * Keys of the configuration contract that this version does not know yet, by the table they stand in, each with what to use
 * meanwhile. They are refused by name rather than as unknown, so that nobody takes them for a slip of the pen.
 */

const logOnly = "state changes are in the log and in `edge-ha status` meanwhile";
const noTls = "terminate TLS elsewhere, or balance the port with a [[service]] meanwhile";
const byHost = "use [[site]] hosts and [[site.route]] path meanwhile";
const inUpstream = "let the upstream's servers do it meanwhile";
const firewall = "use the host's packet filter meanwhile";
const serverCheck = "a server is taken out and put back by its check meanwhile";

const check: Readonly<Record<string, string>> = {
  via: "the server's own address is checked meanwhile",
};

const upstreamServer: Readonly<Record<string, string>> = {
  max_connections: inUpstream,
  slow_start: "a returning server gets its full weight at once meanwhile",
  drain: "write weight = 0 meanwhile",
  tls: noTls,
};

const serviceServer: Readonly<Record<string, string>> = {
  drain: "say `edge-ha drain`, or write weight = 0",
};

const route: Readonly<Record<string, string>> = {
  method: byHost,
  methods: byHost,
  headers: byHost,
  query: byHost,
  source: byHost,
  regex: byHost,
  exact: byHost,
  rewrite: inUpstream,
  strip: inUpstream,
  redirect: inUpstream,
  respond: inUpstream,
  retries: "another server is tried only if nothing was sent yet",
  request_headers: "X-Real-IP and X-Forwarded-* are always set meanwhile",
  cors: "use response_headers meanwhile",
  allow: firewall,
  deny: firewall,
  basic_auth: inUpstream,
  rate_limit: firewall,
  limits: firewall,
  compression: inUpstream,
  cache: inUpstream,
  error_pages: "edge-ha answers with short texts of its own meanwhile",
  maintenance: "a backup server can show a maintenance page meanwhile",
  max_body: "write max_body in the [[site]] meanwhile",
  access_log: "write access_log in the [[site]] meanwhile",
};

const table: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "": {
    admin: "`edge-ha status` shows this node's state meanwhile",
    address_group: "repeat [[vip]] meanwhile",
    bgp: "run the routing daemon beside edge-ha meanwhile",
    rate_limit: firewall,
    cache: inUpstream,
    real_servers: "write servers in the [[service]] meanwhile",
  },
  cluster: { mail: logOnly },
  node: {
    peer: 'peers = "unicast" in [cluster], [[vip]] or [[vrrp]] takes the peers from [node.address]',
    weight: "write prefer in the [[vip]] meanwhile",
    admin: "`edge-ha status` shows this node's state",
  },
  notify: {
    mail: "let the script send it meanwhile",
    webhook: "let the script call it meanwhile",
    fifo_script: "start the FIFO's reader as a service of its own meanwhile",
    services: "changes of services are in the log meanwhile",
  },
  service: {
    proxy_protocol: "servers see the relay's address meanwhile",
    notify: logOnly,
  },
  "service.servers": serviceServer,
  "service.check": check,
  "service.servers.check": check,
  listener: {
    tls: noTls,
    http2: "HTTP/1.1 is spoken meanwhile",
    http3: "HTTP/1.1 is spoken meanwhile",
    proxy_protocol: "clients are known by their connection's address meanwhile",
    trusted_proxies: "clients are known by their connection's address meanwhile",
    max_connections: "the kernel's limits hold meanwhile",
    allow: firewall,
    deny: firewall,
  },
  upstream: {
    tls: "servers are spoken to in clear text meanwhile",
    passive: serverCheck,
    ejection: serverCheck,
    retries: "another server is tried only if nothing was sent yet",
    hash: 'write balance = "round-robin" meanwhile',
    sticky: 'write balance = "round-robin" meanwhile',
    cookie: 'write balance = "round-robin" meanwhile',
    max_connections: inUpstream,
    queue: inUpstream,
    slow_start: "a returning server gets its full weight at once meanwhile",
    proxy_protocol: "X-Forwarded-For carries the client's address meanwhile",
    resolve: "write the servers' addresses meanwhile",
    http2: "servers are spoken to in HTTP/1.1 meanwhile",
  },
  "upstream.servers": upstreamServer,
  "upstream.check": check,
  "upstream.servers.check": check,
  site: {
    tls: noTls,
    error_pages: "edge-ha answers with short texts of its own meanwhile",
    maintenance: "a backup server can show a maintenance page meanwhile",
    redirect: inUpstream,
    rate_limit: firewall,
    allow: firewall,
    deny: firewall,
    basic_auth: inUpstream,
    compression: inUpstream,
    cache: inUpstream,
    cors: "use response_headers in the [[site.route]] meanwhile",
    trusted_proxies: "clients are known by their connection's address meanwhile",
    request_headers: "X-Real-IP and X-Forwarded-* are always set meanwhile",
  },
  "site.route": route,
  proxy: {
    drain: "connections are drained on stop meanwhile",
    max_connections: "the kernel's limits hold meanwhile",
  },
};

/** Tells what to use instead of a key that a later version will have; null if it is none. `place` is the table without indices. */
export function notBuilt(place: string, key: string): string | null {
  const keys = table[place];
  return keys !== undefined && Object.hasOwn(keys, key) ? (keys[key] ?? null) : null;
}
