import { z } from "zod";
import type { Endpoint } from "../../base/address.ts";
import type { CheckConfig } from "../config.ts";
import type { HashSource, UpstreamBalance } from "../upstream-policy.ts";
import { checksSchema } from "./checks.ts";
import {
  choice,
  complaint,
  duration,
  flag,
  integer,
  listOf,
  name,
  orElse,
  orNull,
  table,
  wants,
} from "./fields.ts";
import { hashSourceSchema } from "./hash-source.ts";
import { serverWeightSchema } from "./service.ts";
import { resolveSchema, serverPlace, type NamedPlace, type ResolveEntry } from "./resolve.ts";
import { upstreamTlsSchema, type UpstreamTlsEntry } from "./upstream-tls.ts";
import { stickySchema, type StickyEntry } from "./sticky.ts";
import {
  ejectionSchema,
  queueSchema,
  retriesSchema,
  usualRetries,
  type EjectionEntry,
  type QueueEntry,
  type RetriesEntry,
} from "./upstream-faults.ts";

/** A server of an upstream. */
export interface UpstreamServerEntry {
  readonly address: Endpoint | NamedPlace;
  readonly weight: number;
  readonly backup: boolean;
  readonly drain: boolean;
  readonly max_connections: number | null;
  readonly slow_start: number | null;
  readonly check: readonly CheckConfig[] | null;
}

/** `keepalive = { connections = 32 }`. */
export interface KeepAliveEntry {
  readonly connections: number;
  readonly idle: number;
  readonly max_requests: number | null;
  readonly max_age: number | null;
}

/** `[[upstream]]`: a group of HTTP servers. */
export interface UpstreamEntry {
  readonly name: string;
  readonly balance: UpstreamBalance;
  readonly hash: HashSource | null;
  readonly hash_bound: number | null;
  readonly sticky: StickyEntry | null;
  readonly max_connections: number;
  readonly queue: QueueEntry | null;
  readonly slow_start: number;
  readonly ejection: EjectionEntry | null;
  readonly retries: RetriesEntry;
  readonly servers: readonly UpstreamServerEntry[];
  readonly check: readonly CheckConfig[] | null;
  readonly proxy_protocol: "v1" | "v2" | null;
  readonly http2: boolean;
  readonly keepalive: KeepAliveEntry;
  readonly tls: UpstreamTlsEntry | null;
  readonly resolve: ResolveEntry | null;
}

const serverExample = 'servers = [{ address = "192.0.2.8:80" }]';

const mostConnections = integer(0, 2 ** 31 - 1, "max_connections = 100, or 0 for no limit");

const slowStart = duration(0, 86_400_000, 'slow_start = "30s"');

const upstreamServer: z.ZodType<UpstreamServerEntry> = table(
  {
    address: serverPlace,
    weight: orElse(serverWeightSchema, 1),
    backup: orElse(flag("backup = true"), false),
    drain: orElse(flag("drain = true"), false),
    max_connections: orNull(mostConnections),
    slow_start: orNull(slowStart),
    check: orNull(checksSchema),
  },
  serverExample,
);

const useSticky = 'write sticky = { cookie = "…", secret = "…" } beside any balance';

/** nginx's and HAProxy's words say here what to write. */
const balanceWords = {
  roundrobin: 'write "round-robin"',
  leastconn: 'write "least-connections"',
  least_conn: 'write "least-connections"',
  source: 'write "source-hash"',
  ip_hash: 'write "source-hash"',
  hash: 'write "consistent-hash" and what to hash, as in hash = "uri"',
  uri: 'write "consistent-hash" and hash = "uri"',
  "sticky-cookie": useSticky,
  sticky: useSticky,
};

const balance = choice(
  ["round-robin", "least-connections", "random", "two-choices", "source-hash", "consistent-hash", "first"],
  {},
  balanceWords,
);

const hashBoundExample = "hash_bound = 1.25";

const hashBound = z
  .number({ error: wants("a number", hashBoundExample) })
  .refine((value) => value > 1 && value <= 100, {
    error: complaint("is not above 1 and up to 100", `write ${hashBoundExample}`),
  });

const keepAliveDefaults: KeepAliveEntry = {
  connections: 32,
  idle: 60_000,
  max_requests: null,
  max_age: null,
};

/** `[[upstream]]`. */
export const upstreamSchema: z.ZodType<UpstreamEntry> = table(
  {
    name: name("apps"),
    balance: orElse(balance, "round-robin"),
    hash: orNull(hashSourceSchema),
    hash_bound: orNull(hashBound),
    sticky: orNull(stickySchema),
    max_connections: orElse(mostConnections, 0),
    queue: orNull(queueSchema),
    slow_start: orElse(slowStart, 0),
    ejection: orNull(ejectionSchema),
    retries: orElse(retriesSchema, usualRetries),
    servers: listOf(upstreamServer, { kind: "a list of servers", example: serverExample, least: 1 }),
    check: orNull(checksSchema),
    proxy_protocol: orNull(choice(["v1", "v2"])),
    http2: orElse(flag("http2 = true"), false),
    keepalive: orElse(
      table(
        {
          connections: orElse(integer(0, 65_535, "connections = 32"), keepAliveDefaults.connections),
          idle: orElse(duration(100, 86_400_000, 'idle = "60s"'), keepAliveDefaults.idle),
          max_requests: orNull(integer(1, 2 ** 31 - 1, "max_requests = 1000")),
          max_age: orNull(duration(1_000, 365 * 86_400_000, 'max_age = "1h"')),
        },
        'keepalive = { connections = 32, idle = "60s" }',
      ),
      keepAliveDefaults,
    ),
    tls: orNull(upstreamTlsSchema),
    resolve: orNull(resolveSchema),
  },
  "[[upstream]]",
);
