import { z } from "zod";
import type { Endpoint } from "../../base/address.ts";
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
  orElse,
  orNull,
  table,
  wants,
} from "./fields.ts";
import { serverWeightSchema } from "./service.ts";
import { upstreamTlsSchema, type UpstreamTlsEntry } from "./upstream-tls.ts";

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
  readonly proxy_protocol: "v1" | "v2" | null;
  readonly keepalive: { readonly connections: number; readonly idle: number };
  readonly tls: UpstreamTlsEntry | null;
}

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
    proxy_protocol: orNull(choice(["v1", "v2"])),
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
    tls: orNull(upstreamTlsSchema),
  },
  "[[upstream]]",
);
