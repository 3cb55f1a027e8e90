import { z } from "zod";
import { canonicalAddress, type Endpoint } from "../../base/address.ts";
import type { CheckConfig } from "../config.ts";
import { checksSchema } from "./checks.ts";
import {
  choice,
  complaint,
  duration,
  endpoint,
  flag,
  integer,
  name,
  names,
  orElse,
  orNull,
  parseEndpoint,
  size,
  table,
  text,
  wants,
} from "./fields.ts";
import { serverWeightSchema } from "./service.ts";

/** `[[listener]]`: an L7 listening address; null is every one. */
export interface ListenerEntry {
  readonly name: string;
  readonly address: { readonly address: string | null; readonly port: number };
  readonly vips: readonly string[];
  readonly head_timeout: number;
  readonly idle_timeout: number;
}

/** A server of an upstream. */
export interface UpstreamServerEntry {
  readonly address: Endpoint;
  readonly weight: number;
  readonly backup: boolean;
  readonly check: readonly CheckConfig[] | null;
}

/** `[[upstream]]`: a group of HTTP servers. */
export interface UpstreamEntry {
  readonly name: string;
  readonly balance: "round-robin";
  readonly servers: readonly UpstreamServerEntry[];
  readonly check: readonly CheckConfig[] | null;
  readonly keepalive: { readonly connections: number; readonly idle: number };
}

/** `response_headers`: what happens to the fields of a response. */
export interface HeaderRulesEntry {
  readonly add: Readonly<Record<string, readonly string[]>>;
  readonly set: Readonly<Record<string, readonly string[]>>;
  readonly remove: readonly string[];
}

/** `[[site.route]]`. */
export interface RouteEntry {
  readonly path: string;
  readonly upstream: string;
  readonly timeouts: { readonly connect: number; readonly send: number; readonly read: number };
  readonly response_headers: HeaderRulesEntry;
}

/** `[[site]]`: host names and where their requests go. */
export interface SiteEntry {
  readonly hosts: readonly string[];
  readonly listeners: readonly string[];
  readonly access_log: { readonly path: string; readonly format: "main" } | null;
  readonly max_body: number;
  readonly route: readonly RouteEntry[];
}

const listenExample = 'address = ":80", or address = "192.0.2.1:80"';

const listenAddress = z
  .string({ error: wants("an address with a port, in quotes", listenExample) })
  .transform((value, context): ListenerEntry["address"] => {
    const every = /^\*?:(\d{1,5})$/.exec(value);
    const port = Number(every?.[1] ?? 0);
    if (port >= 1 && port <= 65_535) return { address: null, port };
    const found = parseEndpoint(value);
    if (found !== null) return found;
    context.addIssue(
      complaint(`${JSON.stringify(value)} is no address with a port`, `write ${listenExample}`),
    );
    return z.NEVER;
  });

/** `[[listener]]`; the defaults of the timeouts are nginx's. */
export const listenerSchema: z.ZodType<ListenerEntry> = table(
  {
    name: name("http"),
    address: listenAddress,
    vips: orElse(names("vips", 1), []),
    head_timeout: orElse(duration(100, 3_600_000, 'head_timeout = "60s"'), 60_000),
    idle_timeout: orElse(duration(100, 86_400_000, 'idle_timeout = "75s"'), 75_000),
  },
  "[[listener]]",
);

const useRoundRobin = 'write "round-robin"; weights are obeyed';
const laterBalances = Object.fromEntries(
  [
    "least-connections",
    "random",
    "two-choices",
    "source-hash",
    "consistent-hash",
    "sticky-cookie",
    "hash",
    "first",
  ].map((word) => [word, useRoundRobin]),
);

const serverExample = 'servers = [{ address = "192.0.2.8:80" }]';

const upstreamServer: z.ZodType<UpstreamServerEntry> = table(
  {
    address: endpoint('address = "192.0.2.8:80"'),
    weight: orElse(serverWeightSchema, 1),
    backup: orElse(flag("backup = true"), false),
    check: orNull(checksSchema),
  },
  serverExample,
);

const keepAliveDefaults = { connections: 32, idle: 60_000 };

/** `[[upstream]]`. */
export const upstreamSchema: z.ZodType<UpstreamEntry> = table(
  {
    name: name("apps"),
    balance: orElse(choice(["round-robin"], laterBalances), "round-robin"),
    servers: z
      .array(upstreamServer, { error: wants("a list of servers", serverExample) })
      .min(1, { error: complaint("is an empty list", `write ${serverExample}`) }),
    check: orNull(checksSchema),
    keepalive: orElse(
      table(
        {
          connections: orElse(integer(0, 65_535, "connections = 32"), keepAliveDefaults.connections),
          idle: orElse(duration(100, 86_400_000, 'idle = "60s"'), keepAliveDefaults.idle),
        },
        'keepalive = { connections = 32, idle = "60s" }',
      ),
      keepAliveDefaults,
    ),
  },
  "[[upstream]]",
);

/** RFC 9110 §7.8, §7.6.1, §8.6: the proxy writes these itself, for they are about one connection or frame the body. */
const ownFields: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const fieldName = z
  .string({ error: wants("a field name in quotes", 'remove = ["Server"]') })
  .superRefine((value, context) => {
    // RFC 9110 §5.6.2: a field name is a token.
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(value)) {
      const what = `${JSON.stringify(value)} cannot be a field name`;
      context.addIssue(complaint(what, "write letters, digits and hyphens"));
    } else if (ownFields.has(value.toLowerCase())) {
      const what = `${value} belongs to the connection and is written by edge-ha itself`;
      context.addIssue(complaint(what, "remove it"));
    }
  });

const fieldValue = z
  .string({ error: wants("a text in quotes", 'X-Served-By = "edge"') })
  .superRefine((value, context) => {
    // RFC 9110 §5.5: no control characters, above all no line end.
    if (/^[\t\u0020-\u007e\u0080-\uffff]*$/.test(value)) return;
    context.addIssue(complaint("contains a control character", "leave it out"));
  });

const rulesExample = 'add = { X-Served-By = "edge" }';

const fieldRules = z.record(
  fieldName,
  z.preprocess(
    (value) => (typeof value === "string" ? [value] : value),
    z.array(fieldValue, { error: wants("a text or a list of texts", rulesExample) }),
  ),
  { error: wants("a table of field names and values", rulesExample) },
);

const removedFields = z.array(fieldName, { error: wants("a list of field names", 'remove = ["Server"]') });

/** RFC 3986 §3.3: an absolute path, in the characters that may stand there unencoded or as %XX. */
const routePath = text('path = "/"', 1024).superRefine((value, context) => {
  if (/^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/.test(value)) return;
  context.addIssue(
    complaint(
      `${JSON.stringify(value)} is no path`,
      'write it with a leading "/" and without query, as in path = "/api"',
    ),
  );
});

const waitDefault = 60_000;
const wait = (key: string): z.ZodType<number> =>
  orElse(duration(10, 86_400_000, `${key} = "60s"`), waitDefault);

const routeSchema: z.ZodType<RouteEntry> = table(
  {
    path: orElse(routePath, "/"),
    upstream: z.string({ error: wants("the name of an [[upstream]]", 'upstream = "apps"') }),
    timeouts: orElse(
      table(
        { connect: wait("connect"), send: wait("send"), read: wait("read") },
        'timeouts = { connect = "60s", send = "60s", read = "60s" }',
      ),
      { connect: waitDefault, send: waitDefault, read: waitDefault },
    ),
    response_headers: orElse(
      table(
        { add: orElse(fieldRules, {}), set: orElse(fieldRules, {}), remove: orElse(removedFields, []) },
        "response_headers = { add = {}, set = {}, remove = [] }",
      ),
      { add: {}, set: {}, remove: [] },
    ),
  },
  "[[site.route]]",
);

const hostsExample = 'hosts = ["shop.example", "*.shop.example"]';

const host = z
  .string({ error: wants("a host name in quotes", hostsExample) })
  .transform((value) => value.toLowerCase().replace(/(?<=.)\.$/, ""))
  .superRefine((value, context) => {
    const isIpv6 = /^\[.*:.*\]$/.test(value) && canonicalAddress(value.slice(1, -1)) !== null;
    const isName =
      /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/.test(value);
    if (value === "*" || isIpv6 || (isName && value.length <= 253)) return;
    const shown = JSON.stringify(value);
    const what = /:\d+$/.test(value)
      ? `${shown} has a port, which the listener decides`
      : `${shown} is no host name`;
    context.addIssue(complaint(what, `write ${hostsExample}, or "*" for everything else`));
  });

const logExample = 'access_log = { path = "/var/log/edge-ha/access.log", format = "main" }';
const laterFormats = {
  json: 'write format = "main"',
  combined: 'write format = "main"',
};

/** `[[site]]`. */
export const siteSchema: z.ZodType<SiteEntry> = table(
  {
    hosts: z
      .array(host, { error: wants("a list of host names", hostsExample) })
      .min(1, { error: complaint("is an empty list", `write ${hostsExample}`) }),
    listeners: names("listeners", 1),
    access_log: orNull(
      table(
        {
          path: text(logExample, 4096).refine((value) => /^\/.*[^/]$/.test(value), {
            error: complaint("is not the absolute path of a file", `write ${logExample}`),
          }),
          format: orElse(choice(["main"], laterFormats), "main"),
        },
        logExample,
      ),
    ),
    max_body: orElse(size(1, 'max_body = "10m"'), 1024 ** 2),
    route: orElse(z.array(routeSchema, { error: wants("a list of tables", "[[site.route]]") }), []),
  },
  "[[site]]",
);
