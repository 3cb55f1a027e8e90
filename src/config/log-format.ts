import { insteadOfVariable } from "./foreign-log-variables.ts";
import { closest } from "./suggestion.ts";

/** How values stand in a log line: as nginx's `escape=` says it. */
export type LogEscape = "default" | "json" | "none";

/** A part of a log format: text as it stands, or a variable. */
export type LogPiece = string | { readonly variable: string };

/** Variables by their whole name; those that begin with one of `variablePrefixes` come on top. */
export const logVariables = [
  "args",
  "body_bytes_sent",
  "bytes_sent",
  "connection",
  "connection_requests",
  "content_length",
  "content_type",
  "document_uri",
  "host",
  "hostname",
  "http2",
  "http3",
  "https",
  "is_args",
  "msec",
  "pid",
  "proxy_add_x_forwarded_for",
  "proxy_host",
  "query_string",
  "realip_remote_addr",
  "realip_remote_port",
  "remote_addr",
  "remote_port",
  "remote_user",
  "request",
  "request_id",
  "request_length",
  "request_method",
  "request_time",
  "request_uri",
  "scheme",
  "server_addr",
  "server_name",
  "server_port",
  "server_protocol",
  "ssl_alpn_protocol",
  "ssl_cipher",
  "ssl_client_fingerprint",
  "ssl_client_s_dn",
  "ssl_client_serial",
  "ssl_client_verify",
  "ssl_protocol",
  "ssl_server_name",
  "ssl_session_reused",
  "status",
  "time_iso8601",
  "time_local",
  "trace_id",
  "upstream_addr",
  "upstream_bytes_received",
  "upstream_bytes_sent",
  "upstream_cache_status",
  "upstream_connect_time",
  "upstream_header_time",
  "upstream_queue_time",
  "upstream_response_length",
  "upstream_response_time",
  "upstream_status",
  "upstream_tries",
  "uri",
] as const;

/** The name of a variable that stands by itself. */
export type LogVariable = (typeof logVariables)[number];

/** What the names of variables begin with that stand for a field of the request, the response or the server's response, an argument or a cookie. */
export const variablePrefixes = [
  "http_",
  "sent_http_",
  "upstream_http_",
  "arg_",
  "cookie_",
  "upstream_cookie_",
] as const;

const jsonKeys: readonly (readonly [key: string, variable: LogVariable | `http_${string}`])[] = [
  ["time", "time_iso8601"],
  ["remote_addr", "remote_addr"],
  ["remote_user", "remote_user"],
  ["host", "host"],
  ["request_method", "request_method"],
  ["request_uri", "request_uri"],
  ["server_protocol", "server_protocol"],
  ["status", "status"],
  ["body_bytes_sent", "body_bytes_sent"],
  ["request_length", "request_length"],
  ["request_time", "request_time"],
  ["http_referer", "http_referer"],
  ["http_user_agent", "http_user_agent"],
  ["http_x_forwarded_for", "http_x_forwarded_for"],
  ["request_id", "request_id"],
  ["scheme", "scheme"],
  ["upstream_addr", "upstream_addr"],
  ["upstream_status", "upstream_status"],
  ["upstream_connect_time", "upstream_connect_time"],
  ["upstream_header_time", "upstream_header_time"],
  ["upstream_response_time", "upstream_response_time"],
];
const jsonNumbers: ReadonlySet<string> = new Set([
  "status",
  "body_bytes_sent",
  "request_length",
  "request_time",
]);
const jsonFormat = `{${jsonKeys
  .map(([key, name]) => `"${key}":${jsonNumbers.has(name) ? `$${name}` : `"$${name}"`}`)
  .join(",")}}`;

/** The formats that have a name, in the words of one's own; `main` and `combined` are nginx's. */
export const namedFormats: Readonly<Record<"main" | "combined" | "json", string>> = {
  main: '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for"',
  combined:
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"',
  json: jsonFormat,
};

/** What is wrong with a format, and what to write instead. */
export interface LogFormatProblem {
  readonly what: string;
  readonly remedy: string;
}

const variable = /\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g;

/** Takes a format apart, or says what is wrong with it. `$name` and `${name}` are variables, as in nginx. */
export function parseLogFormat(format: string): readonly LogPiece[] | LogFormatProblem {
  const pieces: LogPiece[] = [];
  let at = 0;
  for (const match of format.matchAll(variable)) {
    const name = (match[1] ?? match[2] ?? "").toLowerCase();
    if (!isLogVariable(name)) return unknownVariable(name);
    if (match.index > at) pieces.push(format.slice(at, match.index));
    pieces.push({ variable: name });
    at = match.index + match[0].length;
  }
  if (at < format.length) pieces.push(format.slice(at));
  const stray = pieces.find((piece) => typeof piece === "string" && piece.includes("$"));
  if (stray !== undefined)
    return { what: "has a $ without the name of a variable", remedy: "write $status, or leave the $ out" };
  if (pieces.every((piece) => typeof piece === "string"))
    return {
      what: "has no variable in it",
      remedy: 'write "main", "combined", "json", or a format with variables such as $status',
    };
  return pieces;
}

/** Tells a format that was taken apart from what is wrong with one. */
export function isLogPieces(parsed: readonly LogPiece[] | LogFormatProblem): parsed is readonly LogPiece[] {
  return Array.isArray(parsed);
}

function isLogVariable(name: string): boolean {
  return (
    (logVariables as readonly string[]).includes(name) ||
    variablePrefixes.some((prefix) => name.startsWith(prefix) && name.length > prefix.length)
  );
}

function unknownVariable(name: string): LogFormatProblem {
  const instead = insteadOfVariable(name);
  if (instead !== null) return { what: `$${name} is no variable here`, remedy: instead };
  const near = closest(name, [...logVariables, ...variablePrefixes]);
  return {
    what: `$${name} is no variable`,
    remedy:
      near === null
        ? "docs/configuration.md lists those there are; $http_NAME is a field of the request, $sent_http_NAME one of the response"
        : `did you mean $${near}${near.endsWith("_") ? "NAME" : ""}?`,
  };
}
