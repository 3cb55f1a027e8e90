/** What differs between the clusters that tests run. */
export interface ClusterFileOptions {
  readonly version?: 2 | 3;
  /** Duration with its unit; 100 ms unless told. */
  readonly advertInterval?: string;
  readonly preempts?: boolean;
  /** Simple text password; version 2 only. */
  readonly password?: string;
  /** Value of `auth`; in place of a password. */
  readonly auth?: string;
  /** Duration with its unit; the default unless told. */
  readonly drainTimeout?: string;
  /** Further keys of both `[[vip]]` tables. */
  readonly vipKeys?: string;
  /** Further tables at the end of the file. */
  readonly tables?: string;
}

/** The two virtual addresses of `pairFile`: the first is preferred by lb1, the second by lb2. */
export const vips: { readonly first: string; readonly second: string } = {
  first: "192.0.2.100",
  second: "192.0.2.101",
};

/** Gives the file of a pair, lb1 and lb2, that share two addresses on eth0. */
export function pairFile(o: ClusterFileOptions = {}): string {
  return `${nodesFile(o)}
[[vip]]
name = "first"
address = "${vips.first}/24"
interface = "eth0"
vrid = 51
prefer = ["lb1", "lb2"]
${o.vipKeys ?? ""}

[[vip]]
name = "second"
address = "${vips.second}/24"
interface = "eth0"
vrid = 52
prefer = ["lb2", "lb1"]
${o.vipKeys ?? ""}

${o.tables ?? ""}
`;
}

/** Gives the head of a pair's file: the cluster and its nodes, and `tables` behind them. */
export function nodesFile(o: ClusterFileOptions = {}): string {
  const pass = o.password === undefined ? null : `{ type = "pass", password = "${o.password}" }`;
  const value = o.auth ?? pass;
  const auth = value === null ? "" : `auth = ${value}\n`;
  return `[cluster]
name = "test"
vrrp_version = ${o.version ?? 3}
advert_interval = "${o.advertInterval ?? "100ms"}"
preempt = ${o.preempts ?? true}
${o.drainTimeout === undefined ? "" : `drain_timeout = "${o.drainTimeout}"\n`}${auth}
[[node]]
name = "lb1"
address = { eth0 = "192.0.2.11" }

[[node]]
name = "lb2"
address = { eth0 = "192.0.2.12" }
`;
}

/** Gives the tables of an L7 site that balances over web1 and web2 on port 80. */
export function siteTables(accessLog: string): string {
  return `[[listener]]
name = "http"
address = ":80"

[[upstream]]
name = "web"
servers = [{ address = "192.0.2.21:80" }, { address = "192.0.2.22:80" }]
check = { type = "http", path = "/", interval = "300ms", timeout = "300ms", retries = 0 }

[[site]]
hosts = ["*"]
listeners = ["http"]
access_log = { path = "${accessLog}", format = "main" }
[[site.route]]
path = "/"
upstream = "web"
timeouts = { connect = "500ms", read = "1s" }
`;
}
