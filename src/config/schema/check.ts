import { z } from "zod";
import type { Check } from "../check-plan.ts";
import { httpKeys, httpsKeys, readHttp, readHttps } from "../checks/http.ts";
import { bodyConflict } from "../checks/body.ts";
import { agentKeys, readAgent } from "../checks/agent.ts";
import { dnsKeys, readDns } from "../checks/dns.ts";
import { fileKeys, readFile } from "../checks/file.ts";
import { grpcConflict, grpcKeys, readGrpc } from "../checks/grpc.ts";
import { proxyProtocolKeys, type ProxyProtocolEntry } from "../checks/proxy-protocol.ts";
import { scriptKeys, readScript } from "../checks/script.ts";
import { readSmtp, smtpConflict, smtpKeys } from "../checks/smtp.ts";
import { readUdp, udpKeys } from "../checks/udp.ts";
import type { Conflict, Keys } from "../checks/keys.ts";
import type { CheckConfig } from "../config.ts";
import { closest, quoted } from "../suggestion.ts";
import { address, choice, complaint, duration, integer, orElse, orNull, table, wants } from "./fields.ts";
import { perNode, type PerNode } from "./per-node.ts";
import { derived, doubt, noteShortcut, shortcutOf, late } from "./shortcut.ts";

/** What all kinds of checks have in common, as the file has it. */
interface TimingEntry {
  readonly port: number | null;
  readonly interval: number;
  readonly fast_interval: number | null;
  readonly jitter: number | null;
  readonly timeout: number;
  readonly retries: number;
  readonly retry_delay: number;
  readonly rise: number;
  readonly fall: number;
  readonly source: PerNode<string> | null;
  readonly fwmark: number | null;
  readonly connect_address: string | null;
  readonly via: "vip" | null;
  readonly proxy_protocol?: ProxyProtocolEntry["proxy_protocol"];
}

/** What a check does when the file does not say; the identity of a probe leaves these values out. */
export const checkDefaults = {
  timeoutMs: 1000,
  retries: 1,
  retryDelayMs: 1000,
  rise: 1,
  fall: 1,
} as const;

const defaultIntervalMs = 2000;

const sourceExample = 'source = "192.0.2.10", or source = { lb1 = "192.0.2.10", lb2 = "192.0.2.11" }';

const timing = {
  port: orNull(integer(1, 65_535, "port = 80")),
  interval: orElse(duration(100, 86_400_000, 'interval = "2s"'), defaultIntervalMs),
  fast_interval: orNull(duration(100, 86_400_000, 'fast_interval = "500ms"')),
  jitter: orNull(duration(0, 86_400_000, 'jitter = "100ms"')),
  timeout: orElse(duration(10, 3_600_000, 'timeout = "1s"'), checkDefaults.timeoutMs),
  retries: orElse(integer(0, 100, "retries = 3"), checkDefaults.retries),
  retry_delay: orElse(duration(0, 3_600_000, 'retry_delay = "1s"'), checkDefaults.retryDelayMs),
  rise: orElse(integer(1, 255, "rise = 2"), checkDefaults.rise),
  fall: orElse(integer(1, 255, "fall = 2"), checkDefaults.fall),
  source: orNull(perNode(address(sourceExample), address(sourceExample), wants("an address", sourceExample))),
  fwmark: orNull(integer(1, 0xffff_ffff, "fwmark = 10")),
  connect_address: orNull(address('connect_address = "192.0.2.8"')),
  via: orNull(choice(["vip"])),
};

const example = 'check = { type = "http", path = "/healthz" }, or check = { type = "tcp" }';

function common(entry: TimingEntry): Omit<CheckConfig, "kind"> {
  return {
    address: entry.connect_address,
    via: entry.via,
    port: entry.port,
    intervalMs: entry.interval,
    fastIntervalMs: entry.fast_interval,
    jitterMs: entry.jitter,
    timeoutMs: entry.timeout,
    retries: entry.retries,
    retryDelayMs: entry.retry_delay,
    rise: entry.rise,
    fall: entry.fall,
    source: entry.source,
    mark: entry.fwmark,
    proxyProtocol: entry.proxy_protocol ?? null,
  };
}

/** The table of one kind: its own keys beside the common ones. */
function kind<const Type extends string, Entry>(
  type: Type,
  keys: Keys<Entry>,
  read: (entry: Entry) => Check,
  conflict: (entry: Entry) => Conflict | null = () => null,
): z.ZodPipe<z.ZodObject<{ type: z.ZodLiteral<Type> }>, z.ZodTransform<CheckConfig>> {
  const own = z.literal(type);
  noteShortcut(own, (value) => (value === type ? type : doubt));
  const shape = { type: own, ...timing, ...keys };
  return derived(table(shape, example), (checked, complain): CheckConfig => {
    // What the schema has checked against `timing` and `keys`.
    const entry = checked as TimingEntry & Entry;
    const found = conflict(entry);
    if (found !== null) complain([found.key], found.complaint);
    return { ...common(entry), ...read(entry) };
  });
}

const kinds = [
  kind("tcp", proxyProtocolKeys, () => ({ kind: "tcp" })),
  kind("http", { ...proxyProtocolKeys, ...httpKeys }, readHttp, bodyConflict),
  kind("https", { ...proxyProtocolKeys, ...httpsKeys }, readHttps, bodyConflict),
  kind("udp", udpKeys, readUdp),
  kind("dns", dnsKeys, readDns),
  kind("smtp", { ...proxyProtocolKeys, ...smtpKeys }, readSmtp, smtpConflict),
  kind("ping", {}, () => ({ kind: "ping" })),
  kind("grpc", { ...proxyProtocolKeys, ...grpcKeys }, readGrpc, grpcConflict),
  kind("script", scriptKeys, readScript),
  kind("file", fileKeys, readFile),
  kind("agent", agentKeys, readAgent),
] as const;

const byType = new Map(
  kinds.map((schema) => [schema.in.shape.type.value as string, shortcutOf<CheckConfig>(schema)]),
);

/** `check = { type = "…", … }`. */
export const checkSchema: z.ZodType<CheckConfig> = late(
  () =>
    z.discriminatedUnion("type", kinds, {
      error: (issue) => {
        const input = issue.input as { readonly type?: unknown } | undefined;
        const type = input?.type;
        if (typeof type === "string") return unknownType(type);
        return typeof input === "object" && input !== null && type === undefined
          ? complaint("does not say its type", `write ${example}`)
          : wants("a table", example)(issue);
      },
    }),
  (value) => {
    const type = typeof value === "object" && value !== null ? (value as { type?: unknown }).type : null;
    return (typeof type === "string" ? byType.get(type)?.(value) : undefined) ?? doubt;
  },
);

function unknownType(type: string): string {
  const meant = foreignTypes[type.toLowerCase()] ?? closest(type, [...byType.keys()]);
  return complaint(
    `"${type}" is no kind of check`,
    meant === null ? `write one of ${quoted([...byType.keys()])}` : `write type = "${meant}"`,
  );
}

/** keepalived's names, and what else people call them. */
const foreignTypes: Readonly<Record<string, string>> = {
  tcp_check: "tcp",
  http_get: "http",
  ssl_get: "https",
  ssl: "https",
  udp_check: "udp",
  dns_check: "dns",
  smtp_check: "smtp",
  ping_check: "ping",
  icmp: "ping",
  misc_check: "script",
  misc: "script",
  file_check: "file",
  "agent-check": "agent",
  httpchk: "http",
};
