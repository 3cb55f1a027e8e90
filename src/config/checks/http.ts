import { z } from "zod";
import { unreachable } from "../../base/assert.ts";
import type { BodyTest, HttpCheck, StatusRange } from "../check-plan.ts";
import { choice, complaint, orElse, orNull, text, wants } from "../schema/fields.ts";
import { bodyKeys, type BodyEntry } from "./body.ts";
import type { Keys } from "./keys.ts";
import { tlsKeys, tlsOf, tlsWords, type TlsEntry } from "./tls.ts";

/** `check = { type = "http", … }` and `"https"`. */

const statusExample = 'status = 200, or status = ["200-299", 404]';
const usualStatus: readonly StatusRange[] = [{ from: 200, to: 299 }];

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

/** The Host field, or `:authority`. */
export const hostField: z.ZodType<string> = text('host = "shop.example"').superRefine((value, context) => {
  if (/^[A-Za-z0-9._:[\]-]+$/.test(value)) return;
  context.addIssue(complaint(`${JSON.stringify(value)} is no host name`, 'write host = "shop.example"'));
});

const headersExample = 'headers = { X-Check = "edge-ha" }';
/** Fields that say how the message is framed, or that have a key of their own. */
const ownFields: Readonly<Record<string, string>> = {
  host: 'write host = "…" beside headers',
  connection: "leave it out: each check has a connection of its own",
  "content-length": "leave it out: the request has no body",
  "transfer-encoding": "leave it out: the request has no body",
};

const headers = z.unknown().transform((value, context): readonly (readonly [string, string])[] => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    context.addIssue(wants("a table of fields", headersExample)({ input: value }));
    return z.NEVER;
  }
  const fields = Object.entries(value);
  for (const [name, field] of fields) {
    const fault = fieldFault(name, field);
    if (fault !== null) context.addIssue(fault);
  }
  if (fields.length > 32) context.addIssue(complaint("has more than 32 fields", "leave some out"));
  return fields.map(([name, field]) => [name, String(field)] as const);
});

/** RFC 9110 §5.1 and §5.5. */
function fieldFault(name: string, value: unknown): string | null {
  const own = ownFields[name.toLowerCase()];
  if (own !== undefined) return complaint(`sets ${name}`, own);
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/.test(name))
    return complaint(`${JSON.stringify(name)} is no field name`, `write ${headersExample}`);
  if (typeof value === "string" && /^[\t -~]{0,1024}$/.test(value)) return null;
  return complaint(
    `the value of ${name} must be a text of printable ASCII characters`,
    `write ${headersExample}`,
  );
}

/** The keys as the file has them. */
export interface HttpEntry extends BodyEntry {
  readonly method: HttpCheck["method"];
  readonly path: string;
  readonly host: string | null;
  readonly http_version: HttpCheck["version"];
  readonly headers: HttpCheck["headers"];
  readonly status: readonly StatusRange[];
}

/** The keys of an HTTP check. */
export const httpKeys: Keys<HttpEntry> = {
  method: orElse(choice(["GET", "HEAD", "OPTIONS"]), "GET"),
  path: orElse(path, "/"),
  host: orNull(hostField),
  http_version: orElse(choice(["1.1", "1.0"]), "1.1"),
  headers: orElse<HttpCheck["headers"]>(headers, []),
  status: orElse(status, usualStatus),
  ...bodyKeys,
};

/** The keys of an HTTPS check. */
export const httpsKeys: Keys<HttpEntry & TlsEntry> = { ...httpKeys, ...tlsKeys };

/** Reads an HTTP check. */
export function readHttp(entry: HttpEntry): HttpCheck {
  const { method, path: requestPath, host: asked, headers: fields, status: ranges } = entry;
  return {
    kind: "http",
    tls: null,
    method,
    path: requestPath,
    host: asked,
    version: entry.http_version,
    headers: fields,
    status: ranges,
    body: entry.body ?? entry.body_match ?? entry.digest,
  };
}

/** Reads an HTTPS check: without `sni`, the name asked for is that of `host`. */
export function readHttps(entry: HttpEntry & TlsEntry): HttpCheck {
  return { ...readHttp(entry), tls: tlsOf(entry, entry.host) };
}

/** Writes what tells an HTTP check from others, for its identity. */
export function httpWords(check: HttpCheck): readonly string[] {
  const ranges = formatStatus(check.status);
  return [
    `${check.method} ${check.path}`,
    ...(check.host === null ? [] : [`host ${check.host}`]),
    ...(check.version === "1.1" ? [] : [`HTTP/${check.version}`]),
    ...check.headers.map(([name, value]) => `${name}: ${value}`),
    ...(check.tls === null ? [] : tlsWords(check.tls, check.host)),
    ...(ranges === formatStatus(usualStatus) ? [] : [`status ${ranges}`]),
    ...(check.body === null ? [] : [bodyWords(check.body)]),
  ];
}

function bodyWords(body: BodyTest): string {
  switch (body.kind) {
    case "contains":
      return `body ${JSON.stringify(body.text)}`;
    case "matches":
      return `body /${body.pattern}/`;
    case "digest":
      return `${body.algorithm} ${body.hex}`;
    default:
      return unreachable(body);
  }
}

function formatStatus(ranges: readonly StatusRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(",");
}
