import { hostname } from "node:os";
import type { LogVariable } from "../config/log-format.ts";
import { basicUser, timeIso8601 } from "./access-log-line.ts";
import { certificateField } from "./certificate-fields.ts";
import { fieldNumber } from "./http1/field-names.ts";
import type { FieldTable } from "./http1/field-table.ts";
import { inSeconds, type UpstreamTrace } from "./upstream-trace.ts";

/** What variables of log formats say. */

/** What a line can say of a request when it is over; what no format wants is not found out. */
export interface LoggedRequest {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Who the connection belongs to, whoever it says that it speaks for. */
  readonly connectionAddress: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly scheme: string;
  readonly tlsVersion: string;
  readonly tlsCipher: string;
  readonly tlsServerName: string;
  /** What was agreed on by ALPN; empty for nothing. */
  readonly tlsProtocolName: string;
  readonly isTlsResumed: boolean;
  /** What is told of the client's certificate, as field lines for servers; empty where none is asked for. */
  readonly certificateFields: string;
  readonly requestId: string;
  readonly traceId: string;
  /** Its site's first host; empty without a site. */
  readonly siteName: string;
  readonly status: number;
  /** Bytes sent behind the head. */
  readonly bodyBytes: number;
  readonly sentBytes: number;
  /** Bytes of the request, head and body. */
  readonly receivedBytes: number;
  /** The head that was sent, with its line ends; empty if there was none. */
  readonly sentHead: string;
  /** In milliseconds of the monotonic clock. */
  readonly startedAt: number;
  /** As `$time_local` writes the time. */
  readonly timeLocal: string;
  /** Number of the connection in this process, and of the request in it. */
  readonly connectionNumber: number;
  readonly requestNumber: number;
  readonly trace: UpstreamTrace | null;
}

/** Takes something out of a request when it begins; the fields are null if they could not be read. */
export type Note = (requestLine: string, fields: FieldTable | null) => string;

/** How a variable comes to its value: from what was noted when its request began, null for nothing, and from how that ended. */
export interface LogVariableReading {
  readonly note: Note | null;
  readonly atEnd: (noted: string, request: LoggedRequest) => string;
}

/** Gives how a variable of `parseLogFormat` comes to its value. */
export function logVariable(name: string): LogVariableReading {
  const both = bothVariables[name as LogVariable];
  if (both !== undefined) return both;
  const atEnd = endVariable(name);
  if (atEnd !== null) return { note: null, atEnd: (_, request) => atEnd(request) };
  return { note: beginVariable(name), atEnd: (noted) => noted };
}

/** As with nginx, of when the process began: to ask the system is a call for each line. */
const ownName = hostname();

type AtEnd = (request: LoggedRequest) => string;

const endVariables: Readonly<Partial<Record<LogVariable, AtEnd>>> = {
  body_bytes_sent: ({ bodyBytes }) => String(bodyBytes),
  bytes_sent: ({ sentBytes }) => String(sentBytes),
  connection: ({ connectionNumber }) => String(connectionNumber),
  connection_requests: ({ requestNumber }) => String(requestNumber),
  hostname: () => ownName,
  https: ({ scheme }) => (scheme === "https" ? "on" : ""),
  msec: () => inSeconds(Date.now()),
  pid: () => String(process.pid),
  proxy_host: ({ trace }) => trace?.upstream ?? "",
  realip_remote_addr: ({ connectionAddress }) => connectionAddress,
  realip_remote_port: ({ remotePort }) => String(remotePort),
  remote_addr: ({ remoteAddress }) => remoteAddress,
  remote_port: ({ remotePort }) => String(remotePort),
  request_id: ({ requestId }) => requestId,
  request_length: ({ receivedBytes }) => String(receivedBytes),
  request_time: ({ startedAt }) => inSeconds(performance.now() - startedAt),
  scheme: ({ scheme }) => scheme,
  server_addr: ({ localAddress }) => localAddress,
  server_name: ({ siteName }) => siteName,
  server_port: ({ localPort }) => String(localPort),
  ssl_alpn_protocol: ({ tlsProtocolName }) => tlsProtocolName,
  ssl_cipher: ({ tlsCipher }) => tlsCipher,
  ssl_client_fingerprint: ({ certificateFields }) => certificateField(certificateFields, "Fingerprint"),
  ssl_client_s_dn: ({ certificateFields }) => certificateField(certificateFields, "S-DN"),
  ssl_client_serial: ({ certificateFields }) => certificateField(certificateFields, "Serial"),
  ssl_client_verify: ({ certificateFields }) => certificateField(certificateFields, "Verify"),
  ssl_protocol: ({ tlsVersion }) => tlsVersion,
  ssl_server_name: ({ tlsServerName }) => tlsServerName,
  // As with nginx, a dot is a session that was made anew.
  ssl_session_reused: ({ isTlsResumed, scheme }) => (scheme === "http" ? "" : isTlsResumed ? "r" : "."),
  status: ({ status }) => String(status),
  trace_id: ({ traceId }) => traceId,
  time_iso8601: () => timeIso8601(Date.now()),
  time_local: ({ timeLocal }) => timeLocal,
  upstream_addr: ({ trace }) => trace?.addresses ?? "",
  upstream_bytes_received: ({ trace }) => trace?.bytesReceived ?? "",
  upstream_bytes_sent: ({ trace }) => trace?.bytesSent ?? "",
  upstream_cache_status: ({ trace }) => trace?.cacheStatus ?? "",
  upstream_connect_time: ({ trace }) => trace?.connectTimes ?? "",
  upstream_header_time: ({ trace }) => trace?.headerTimes ?? "",
  upstream_queue_time: ({ trace, startedAt }) => trace?.queueTime(startedAt) ?? "",
  upstream_response_length: ({ trace }) => trace?.responseLengths ?? "",
  upstream_response_time: ({ trace }) => trace?.responseTimes ?? "",
  upstream_status: ({ trace }) => trace?.statuses ?? "",
  upstream_tries: ({ trace }) => String(trace?.count ?? 0),
};

function endVariable(name: string): AtEnd | null {
  const known = endVariables[name as LogVariable];
  if (known !== undefined) return known;
  if (name.startsWith("sent_http_")) {
    const values = valuesIn(fieldLine(name.slice("sent_http_".length)));
    return ({ sentHead }) => values(sentHead);
  }
  if (name.startsWith("upstream_http_")) {
    const values = valuesIn(fieldLine(name.slice("upstream_http_".length)));
    return ({ trace }) => values(trace?.head ?? "");
  }
  if (name.startsWith("upstream_cookie_")) {
    const cookieName = name.slice("upstream_cookie_".length);
    const line = new RegExp(`\\nset-cookie:[ \\t]*${cookieName}=([^;\\r\\n]*)`, "i");
    return ({ trace }) => line.exec(trace?.head ?? "")?.[1]?.trimEnd() ?? "";
  }
  return null;
}

function fieldLine(name: string): string {
  return `\\n${name.replaceAll("_", "-")}[ \\t]*:[ \\t]*([^\\r\\n]*)`;
}

/** Gives what finds a pattern's values in a head, several as a list (RFC 9110 §5.2). */
function valuesIn(pattern: string): (head: string) => string {
  const line = new RegExp(pattern, "gi");
  return (head) => {
    let values = "";
    for (const [, value = ""] of head.matchAll(line))
      values = values === "" ? value.trimEnd() : `${values}, ${value.trimEnd()}`;
    return values;
  };
}

const beginVariables: Readonly<Partial<Record<LogVariable, Note>>> = {
  args: (line) => queryOf(targetOf(line)),
  query_string: (line) => queryOf(targetOf(line)),
  is_args: (line) => (queryOf(targetOf(line)) === "" ? "" : "?"),
  content_length: (_, fields) => field(fields, "content-length"),
  content_type: (_, fields) => field(fields, "content-type"),
  document_uri: pathOf,
  host: hostOf,
  http3: (line) => (versionOf(line) === "HTTP/3.0" ? "h3" : ""),
  remote_user: (_, fields) => {
    const authorization = fields?.first(fieldNumber.authorization) ?? "";
    return authorization === "" ? "" : basicUser(authorization);
  },
  request: (line) => line,
  request_method: (line) => /^([^ ]+) [^ ]/.exec(line)?.[1] ?? "",
  request_uri: targetOf,
  uri: pathOf,
  server_protocol: versionOf,
};

/** Those that need both what is known when a request begins and what is known when it is over. */
const bothVariables: Readonly<Partial<Record<LogVariable, LogVariableReading>>> = {
  http2: {
    note: (line) => (versionOf(line) === "HTTP/2.0" ? "h2" : ""),
    atEnd: (noted, { scheme }) => (noted !== "" && scheme === "http" ? "h2c" : noted),
  },
  proxy_add_x_forwarded_for: {
    note: (_, fields) => field(fields, "x-forwarded-for"),
    atEnd: (noted, { remoteAddress }) => (noted === "" ? remoteAddress : `${noted}, ${remoteAddress}`),
  },
};

function beginVariable(name: string): Note {
  const known = beginVariables[name as LogVariable];
  if (known !== undefined) return known;
  if (name.startsWith("arg_")) return (line) => argument(queryOf(targetOf(line)), name.slice(4));
  if (name.startsWith("cookie_")) return (_, fields) => cookie(field(fields, "cookie"), name.slice(7));
  const fieldName = name.replace(/^http_/, "").replaceAll("_", "-");
  return (_, fields) => field(fields, fieldName);
}

function pathOf(requestLine: string): string {
  return targetOf(requestLine).replace(/\?.*$/, "");
}

function versionOf(requestLine: string): string {
  return / (HTTP\/[0-9.]+)$/.exec(requestLine)?.[1] ?? "";
}

function targetOf(requestLine: string): string {
  return requestLine.split(" ", 2)[1] ?? "";
}

function queryOf(target: string): string {
  const at = target.indexOf("?");
  return at < 0 ? "" : target.slice(at + 1);
}

/** The host that was asked for, without its port and in lower case. */
function hostOf(requestLine: string, fields: FieldTable | null): string {
  const authority =
    /^[a-z]+:\/\/([^/?]*)/i.exec(targetOf(requestLine))?.[1] ?? fields?.first(fieldNumber.host);
  return (authority ?? "").replace(/:\d*$/, "").toLowerCase();
}

/** Gives the value of a field by its name in lower case, several joined as a list (RFC 9110 §5.2). */
function field(fields: FieldTable | null, name: string): string {
  return name === "cookie" ? cookiesOf(fields) : (fields?.joined(name) ?? "");
}

/** RFC 9113 §8.2.3: cookies that came in several fields are joined as they stand in one. */
function cookiesOf(fields: FieldTable | null): string {
  const values: string[] = [];
  for (let index = 0; index < (fields?.count ?? 0); index++)
    if (fields?.isNamed(index, "cookie") === true) values.push(fields.value(index));
  return values.join("; ");
}

function argument(query: string, name: string): string {
  const pair = query.split("&").find((one) => one.toLowerCase().startsWith(`${name}=`));
  return pair?.slice(name.length + 1) ?? "";
}

function cookie(cookies: string, name: string): string {
  const pair = cookies.split(/; */).find((one) => one.toLowerCase().startsWith(`${name}=`));
  return pair?.slice(name.length + 1) ?? "";
}
