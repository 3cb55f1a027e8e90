import { z } from "zod";
import { familyOf, parsePrefix, type Prefix } from "../../base/address.ts";
import { authSchema, type AuthEntry } from "./auth.ts";
import { type BfdPaceEntry, bfdPaceSchema } from "./bfd.ts";
import {
  choice,
  complaint,
  duration,
  flag,
  integer,
  name,
  address,
  orElse,
  orNull,
  size,
  table,
  text,
  wants,
  interfaceName,
  isHostAddress,
} from "./fields.ts";
import { transport, transportWordSchema, type TransportEntry, type TransportWord } from "./transport.ts";

/** How the taking of an address is announced. */
export interface GarpEntry {
  readonly burst: number;
  readonly repeat_delay: number;
  readonly refresh: number | null;
  readonly refresh_count: number | null;
  readonly interval: number;
}

/** `[cluster]`: what holds for all virtual routers unless they say otherwise. */
export interface ClusterEntry extends TransportEntry {
  readonly name: string;
  readonly advert_interval: number;
  readonly vrrp_version: 2 | 3;
  readonly group: string;
  readonly group6: string;
  readonly checksum: ChecksumWord | null;
  readonly nodad: boolean;
  readonly peers: TransportWord;
  readonly down_after: number;
  readonly preempt: boolean;
  readonly preempt_delay: number;
  readonly startup_delay: number;
  readonly skip_check_addresses: boolean;
  readonly drain_timeout: number;
  /** Null is what `strict` makes of it. */
  readonly accept: boolean | null;
  readonly strict: boolean;
  readonly virtual_mac: boolean;
  readonly auth: AuthEntry | null;
  readonly garp: GarpEntry;
  readonly bfd: BfdPaceEntry | null;
}

/** `[[node]]`: one host. */
export interface NodeEntry {
  readonly name: string;
  /** Interface to the node's own addresses on it; prefixes where they were given. */
  readonly address: Readonly<Record<string, readonly OwnAddress[]>>;
}

/** A node's own address, and its prefix if the file gives it. */
export interface OwnAddress {
  readonly address: string;
  readonly prefixLength: number | null;
}

/** `[proxy]`: the L7 processes. */
export interface ProxyEntry {
  readonly workers: number | null;
  readonly user: string;
  readonly udp_flows: number;
  readonly max_connections: number | null;
  readonly drain: number;
  readonly cache_memory: number;
  readonly via: string | null;
}

/** `garp = { burst = 5, repeat_delay = "5s" }`. */
export const garpSchema: z.ZodType<GarpEntry> = table(
  {
    burst: orElse(integer(1, 100, "burst = 5"), 5),
    repeat_delay: orElse(duration(100, 3_600_000, 'repeat_delay = "5s"'), 5000),
    refresh: orNull(duration(1000, 86_400_000, 'refresh = "60s"')),
    refresh_count: orNull(integer(1, 100, "refresh_count = 1")),
    interval: orElse(duration(0, 10_000, 'interval = "1ms"'), 0),
  },
  'garp = { burst = 5, repeat_delay = "5s" }',
);

/** How addresses are announced where nothing is said about it. */
export const usualGarp: GarpEntry = {
  burst: 5,
  repeat_delay: 5000,
  refresh: null,
  refresh_count: null,
  interval: 0,
};

/** RFC 9568 §7.3 gives 12 bits of centiseconds, RFC 3768 §5.3.7 one byte of seconds; which of them holds is a rule. */
export const advertIntervalSchema: z.ZodType<number> = duration(10, 255_000, 'advert_interval = "1s"');

/** 2 or 3. */
export const versionSchema: z.ZodType<2 | 3> = z.union([z.literal(2), z.literal(3)], {
  error: wants("2 or 3", "vrrp_version = 3"),
});

/** Below 2 a single lost packet would be a failover. */
export const downAfterSchema: z.ZodType<number> = integer(2, 255, "down_after = 3");

/** Up to an hour. */
export const preemptDelaySchema: z.ZodType<number> = duration(0, 3_600_000, 'preempt_delay = "5m"');

/** Up to an hour. */
export const startupDelaySchema: z.ZodType<number> = duration(0, 3_600_000, 'startup_delay = "30s"');

/** A stop of the service waits for it, and the service manager for that. */
const drainTimeoutSchema: z.ZodType<number> = duration(0, 15_000, 'drain_timeout = "2s"');

/** The multicast group of advertisements. */
export const groupSchema: z.ZodType<string> = address('group = "224.0.0.18"').superRefine(
  (value, context) => {
    const first = Number(value.split(".")[0]);
    if (familyOf(value) === 4 && first >= 224 && first < 240) return;
    const what = `${value} is no IPv4 multicast group`;
    context.addIssue(complaint(what, 'write one of 224.0.0.0/4, as in group = "224.0.0.18"'));
  },
);

/** The multicast group of advertisements over IPv6. */
export const group6Schema: z.ZodType<string> = address('group6 = "ff02::12"').superRefine(
  (value, context) => {
    if (familyOf(value) === 6 && value.startsWith("ff")) return;
    const what = `${value} is no IPv6 multicast group`;
    context.addIssue(complaint(what, 'write one of ff00::/8, as in group6 = "ff02::12"'));
  },
);

/** How the checksum of version 3 over IPv4 is made. */
export type ChecksumWord = "pseudo-header" | "message-only";

/** Both forms are accepted; this is about what is sent. */
export const checksumSchema: z.ZodType<ChecksumWord> = choice(["pseudo-header", "message-only"]);

/** `[cluster]`. */
export const clusterSchema: z.ZodType<ClusterEntry> = table(
  {
    name: name("shop"),
    advert_interval: orElse(advertIntervalSchema, 1000),
    vrrp_version: orElse(versionSchema, 3),
    group: orElse(groupSchema, "224.0.0.18"),
    group6: orElse(group6Schema, "ff02::12"),
    checksum: orNull(checksumSchema),
    nodad: orElse(flag("nodad = false"), true),
    peers: orElse(transportWordSchema, "multicast"),
    ...transport,
    down_after: orElse(downAfterSchema, 3),
    preempt: orElse(flag("preempt = true"), true),
    preempt_delay: orElse(preemptDelaySchema, 0),
    startup_delay: orElse(startupDelaySchema, 0),
    accept: orNull(flag("accept = false")),
    strict: orElse(flag("strict = true"), false),
    skip_check_addresses: orElse(flag("skip_check_addresses = true"), false),
    drain_timeout: orElse(drainTimeoutSchema, 2000),
    virtual_mac: orElse(flag("virtual_mac = true"), false),
    auth: orNull(authSchema),
    garp: orElse(garpSchema, usualGarp),
    bfd: orNull(bfdPaceSchema),
  },
  "[cluster]",
);

const ownAddressExample = 'eth1 = "192.0.2.10"';

const ownAddress = z
  .string({ error: wants("an address in quotes", ownAddressExample) })
  .transform((value, context): OwnAddress => {
    const prefix: Prefix | null = parsePrefix(value);
    if (prefix !== null && isHostAddress(prefix.address)) {
      return { address: prefix.address, prefixLength: value.includes("/") ? prefix.length : null };
    }
    const what = prefix === null ? "is no address" : "is no address of a host";
    context.addIssue(complaint(`${JSON.stringify(value)} ${what}`, `write ${ownAddressExample}`));
    return z.NEVER;
  });

const ownAddresses = z.preprocess(
  (value) => (typeof value === "string" ? [value] : value),
  z
    .array(ownAddress, {
      error: (issue) =>
        typeof issue.input === "object" && issue.input !== null && !Array.isArray(issue.input)
          ? complaint(
              "is a table: a dot in a key makes one",
              'quote the interface name, as in "eth1.10" = "192.0.2.10"',
            )
          : wants("an address in quotes", ownAddressExample)(issue),
    })
    .min(1, { error: complaint("is an empty list", `write ${ownAddressExample}`) }),
);

/** `[[node]]` with its `[node.address]`. */
export const nodeSchema: z.ZodType<NodeEntry> = table(
  {
    name: name("lb1"),
    address: z
      .record(interfaceName(ownAddressExample), ownAddresses, {
        error: wants("a table of interfaces and addresses", `[node.address] with ${ownAddressExample}`),
      })
      .refine((value) => Object.keys(value).length > 0, {
        error: complaint("names no interface", `write ${ownAddressExample}`),
      }),
  },
  "[[node]]",
);

/** Bytes of answers that each proxy process may keep in memory. */
export const usualCacheMemory: number = 64 * 1024 ** 2;

/** Below the kernel's 28,232 ports for sockets that choose none: a flow has one. */
export const usualFlows = 16_384;

/** WebSockets and downloads outlive a change of ports by this, unless something else is said. */
export const usualProxyDrainMs = 3_600_000;

/** RFC 9110 §7.6.3: a pseudonym is a token. */
const viaName = text('via = "edge-ha-shop"', 100).refine(
  (value) => /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(value),
  {
    error: complaint(
      "is no name that `Via` can carry",
      'use letters, digits, "-", "_" and ".", as in via = "edge-ha-shop"',
    ),
  },
);

/** `[proxy]`. */
export const proxySchema: z.ZodType<ProxyEntry> = table(
  {
    workers: orNull(integer(1, 256, "workers = 2")),
    user: orElse(text('user = "edge-ha"', 32), "edge-ha"),
    max_connections: orNull(integer(1, 10_000_000, "max_connections = 20000")),
    cache_memory: orElse(size(1024 ** 2, 'cache_memory = "64m"'), usualCacheMemory),
    udp_flows: orElse(integer(1, 1_000_000, `udp_flows = ${usualFlows}`), usualFlows),
    drain: orElse(duration(0, 7 * 86_400_000, 'drain = "1h"'), usualProxyDrainMs),
    via: orNull(viaName),
  },
  "[proxy]",
);
