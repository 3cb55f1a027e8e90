import { z } from "zod";
import type { StatusRange } from "../node-plan.ts";
import { choice, complaint, duration, integer, orElse, orNull, table, text, wants } from "./fields.ts";

/** What all kinds of checks have in common. */
interface CheckTimingEntry {
  readonly port: number | null;
  readonly interval: number;
  readonly timeout: number;
  readonly retries: number;
  readonly retry_delay: number;
  readonly rise: number;
  readonly fall: number;
}

/** `check = { type = "tcp", … }`. */
export interface TcpCheckEntry extends CheckTimingEntry {
  readonly type: "tcp";
}

/** `check = { type = "http", … }`. */
export interface HttpCheckEntry extends CheckTimingEntry {
  readonly type: "http";
  readonly method: "GET" | "HEAD";
  readonly path: string;
  readonly host: string | null;
  readonly status: readonly StatusRange[];
}

/** How a server is checked. */
export type CheckEntry = TcpCheckEntry | HttpCheckEntry;

/** What a check does when the file does not say; `probeId` leaves these values out. */
export const checkDefaults = {
  intervalMs: 2000,
  timeoutMs: 1000,
  retries: 1,
  retryDelayMs: 1000,
  rise: 1,
  fall: 1,
  path: "/",
  status: [{ from: 200, to: 299 }],
} as const;

const timing = {
  port: orNull(integer(1, 65_535, "port = 80")),
  interval: orElse(duration(100, 86_400_000, 'interval = "2s"'), checkDefaults.intervalMs),
  timeout: orElse(duration(10, 3_600_000, 'timeout = "1s"'), checkDefaults.timeoutMs),
  retries: orElse(integer(0, 100, "retries = 3"), checkDefaults.retries),
  retry_delay: orElse(duration(0, 3_600_000, 'retry_delay = "1s"'), checkDefaults.retryDelayMs),
  rise: orElse(integer(1, 255, "rise = 2"), checkDefaults.rise),
  fall: orElse(integer(1, 255, "fall = 2"), checkDefaults.fall),
};

const statusExample = 'status = 200, or status = ["200-299", 404]';

const status = z.unknown().transform((value, context): readonly StatusRange[] => {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const ranges = list.map(statusRange);
  if (list.length > 0 && ranges.every((range) => range !== null)) return ranges;
  context.addIssue(complaint("must be statuses from 100 to 599", `write ${statusExample}`));
  return z.NEVER;
});

function statusRange(value: unknown): StatusRange | null {
  const match = /^(\d{3})(?:-(\d{3}))?$/.exec(
    typeof value === "number" || typeof value === "string" ? String(value) : "",
  );
  if (match === null) return null;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from >= 100 && to <= 599 && from <= to ? { from, to } : null;
}

/** RFC 9112 §3.2.1: origin-form, without the characters that would end it. */
const path = text('path = "/healthz"', 2048).superRefine((value, context) => {
  if (/^\/[!-~]*$/.test(value) && !value.includes("#")) return;
  context.addIssue(
    complaint(
      `${JSON.stringify(value)} is no request path`,
      'write it with a leading "/" and without spaces, as in path = "/healthz"',
    ),
  );
});

const host = text('host = "shop.example"').superRefine((value, context) => {
  if (/^[A-Za-z0-9._:[\]-]+$/.test(value)) return;
  context.addIssue(complaint(`${JSON.stringify(value)} is no host name`, 'write host = "shop.example"'));
});

const later: ReadonlySet<string> = new Set([
  "https",
  "udp",
  "dns",
  "smtp",
  "ping",
  "script",
  "grpc",
  "file",
  "agent",
  "misc",
  "ssl",
]);

const example = 'check = { type = "http", path = "/healthz" }, or check = { type = "tcp" }';

/** `check = { type = "tcp" | "http", … }`. */
export const checkSchema: z.ZodType<CheckEntry> = z.discriminatedUnion(
  "type",
  [
    table({ type: z.literal("tcp"), ...timing }, example),
    table(
      {
        type: z.literal("http"),
        ...timing,
        method: orElse(choice(["GET", "HEAD"]), "GET"),
        path: orElse(path, checkDefaults.path),
        host: orNull(host),
        status: orElse<readonly StatusRange[]>(status, checkDefaults.status),
      },
      example,
    ),
  ],
  {
    error: (issue) => {
      const input = issue.input as { readonly type?: unknown } | undefined;
      const type = input?.type;
      if (typeof type === "string" && later.has(type)) {
        return complaint(
          `"${type}" is not built yet in this version`,
          'use type = "tcp" or type = "http" meanwhile',
        );
      }
      if (typeof type === "string")
        return complaint(`"${type}" is no kind of check`, 'write type = "tcp" or type = "http"');
      return typeof input === "object" && input !== null && type === undefined
        ? complaint("does not say its type", `write ${example}`)
        : wants("a table", example)(issue);
    },
  },
);
