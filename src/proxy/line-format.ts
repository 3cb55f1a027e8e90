import {
  isLogPieces,
  namedFormats,
  parseLogFormat,
  type LogEscape,
  type LogVariable,
} from "../config/log-format.ts";
import { basicUser, escapeLogged, timeIso8601 } from "./access-log-line.ts";
import { certificateField } from "./certificate-fields.ts";
import { fieldNumber } from "./http1/field-names.ts";
import type { FieldTable } from "./http1/field-table.ts";
import { inSeconds, type UpstreamTrace } from "./upstream-trace.ts";

/** What a line can say of a request when it is over; what no format wants is not found out. */
export interface LoggedRequest {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly scheme: string;
  readonly tlsVersion: string;
  readonly tlsCipher: string;
  readonly tlsServerName: string;
  /** What is told of the client's certificate, as field lines for servers; empty where none is asked for. */
  readonly certificateFields: string;
  readonly requestId: string;
  readonly traceId: string;
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

/** A log format, ready for use. */
export interface LineFormat {
  /** Takes out of a request what the line will say of it, while its fields are there; they are null if they could not be read. */
  note(requestLine: string, fields: FieldTable | null): readonly string[];
  /** Writes the line, line feed included. */
  write(notes: readonly string[], request: LoggedRequest): string;
  /** Whether anything wants the time at which requests begin. */
  readonly wantsTimes: boolean;
  /** Whether anything wants to know which servers were asked, and when. */
  readonly wantsTrace: boolean;
  /** Whether anything wants requests counted on their connection. */
  readonly wantsNumbers: boolean;
  /** Whether anything wants the request to have a name. */
  readonly wantsIds: boolean;
  /** Whether anything wants the head that was sent. */
  readonly wantsHead: boolean;
}

type Note = (requestLine: string, fields: FieldTable | null) => string;
type Write = (notes: readonly string[], request: LoggedRequest) => string;

/** Makes a format ready: one that has a name, or one of one's own; throws if it has a variable that there is none of. */
export function compileLineFormat(format: string, escape: LogEscape | null): LineFormat {
  const text = Object.hasOwn(namedFormats, format)
    ? namedFormats[format as keyof typeof namedFormats]
    : format;
  const pieces = parseLogFormat(text);
  if (!isLogPieces(pieces)) throw new Error(`log format ${JSON.stringify(format)}: ${pieces.what}`);
  const escaped = escapes[escape ?? (format === "json" ? "json" : "default")];
  const notes: Note[] = [];
  const writes = pieces.map((piece): Write => {
    if (typeof piece === "string") return () => piece;
    const atEnd = endVariable(piece.variable);
    if (atEnd !== null) return (_, request) => escaped(atEnd(request));
    const index = notes.push(beginVariable(piece.variable)) - 1;
    // As with nginx, it is there even where it is empty.
    if (piece.variable === "is_args") return (noted) => noted[index] ?? "";
    return (noted) => escaped(noted[index] ?? "");
  });
  const names = new Set(pieces.flatMap((piece) => (typeof piece === "string" ? [] : [piece.variable])));
  const wantsAny = (...wanted: readonly string[]): boolean => wanted.some((name) => names.has(name));
  return {
    note: (requestLine, fields) => notes.map((note) => note(requestLine, fields)),
    write(noted, request) {
      let line = "";
      for (const write of writes) line += write(noted, request);
      return `${line}\n`;
    },
    wantsTimes: wantsAny("request_time", "upstream_queue_time"),
    wantsTrace: [...names].some((name) => name.startsWith("upstream_")),
    wantsNumbers: wantsAny("connection", "connection_requests"),
    wantsIds: wantsAny("request_id", "trace_id"),
    wantsHead: [...names].some((name) => name.startsWith("sent_http_")),
  };
}

const escapes: Readonly<Record<LogEscape, (value: string) => string>> = {
  default: (value) => (value === "" ? "-" : escapeLogged(value)),
  json: escapeJson,
  none: (value) => value,
};

// oxlint-disable-next-line no-control-regex -- RFC 8259 §7 has these escaped.
const unsafeJson = /["\\\u0000-\u001f]/;
// oxlint-disable-next-line no-control-regex -- as above
const everyUnsafeJson = /["\\\u0000-\u001f]/g;

/** Escapes what may not stand in a JSON string (RFC 8259 §7); octets above ASCII stay, as most are UTF-8. */
export function escapeJson(value: string): string {
  if (!unsafeJson.test(value)) return value;
  return value.replace(everyUnsafeJson, (c) => {
    if (c === '"' || c === "\\") return `\\${c}`;
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

const endVariables: Readonly<Partial<Record<LogVariable, (request: LoggedRequest) => string>>> = {
  body_bytes_sent: ({ bodyBytes }) => String(bodyBytes),
  bytes_sent: ({ sentBytes }) => String(sentBytes),
  connection: ({ connectionNumber }) => String(connectionNumber),
  connection_requests: ({ requestNumber }) => String(requestNumber),
  msec: () => inSeconds(Date.now()),
  remote_addr: ({ remoteAddress }) => remoteAddress,
  remote_port: ({ remotePort }) => String(remotePort),
  request_id: ({ requestId }) => requestId,
  request_length: ({ receivedBytes }) => String(receivedBytes),
  request_time: ({ startedAt }) => inSeconds(performance.now() - startedAt),
  scheme: ({ scheme }) => scheme,
  server_addr: ({ localAddress }) => localAddress,
  server_port: ({ localPort }) => String(localPort),
  ssl_cipher: ({ tlsCipher }) => tlsCipher,
  ssl_client_fingerprint: ({ certificateFields }) => certificateField(certificateFields, "Fingerprint"),
  ssl_client_s_dn: ({ certificateFields }) => certificateField(certificateFields, "S-DN"),
  ssl_client_serial: ({ certificateFields }) => certificateField(certificateFields, "Serial"),
  ssl_client_verify: ({ certificateFields }) => certificateField(certificateFields, "Verify"),
  ssl_protocol: ({ tlsVersion }) => tlsVersion,
  ssl_server_name: ({ tlsServerName }) => tlsServerName,
  status: ({ status }) => String(status),
  trace_id: ({ traceId }) => traceId,
  time_iso8601: () => timeIso8601(Date.now()),
  time_local: ({ timeLocal }) => timeLocal,
  upstream_addr: ({ trace }) => trace?.addresses ?? "",
  upstream_connect_time: ({ trace }) => trace?.connectTimes ?? "",
  upstream_header_time: ({ trace }) => trace?.headerTimes ?? "",
  upstream_queue_time: ({ trace, startedAt }) => trace?.queueTime(startedAt) ?? "",
  upstream_response_time: ({ trace }) => trace?.responseTimes ?? "",
  upstream_status: ({ trace }) => trace?.statuses ?? "",
  upstream_tries: ({ trace }) => String(trace?.count ?? 0),
};

function endVariable(name: string): ((request: LoggedRequest) => string) | null {
  if (!name.startsWith("sent_http_")) return endVariables[name as LogVariable] ?? null;
  const line = new RegExp(
    `\\n${name.slice("sent_http_".length).replaceAll("_", "-")}:[ \\t]*([^\\r\\n]*)`,
    "i",
  );
  return ({ sentHead }) => line.exec(sentHead)?.[1]?.trimEnd() ?? "";
}

const beginVariables: Readonly<Partial<Record<LogVariable, Note>>> = {
  args: (line) => queryOf(targetOf(line)),
  query_string: (line) => queryOf(targetOf(line)),
  is_args: (line) => (queryOf(targetOf(line)) === "" ? "" : "?"),
  host: (line, fields) => hostOf(line, fields),
  remote_user: (_, fields) => {
    const authorization = fields?.first(fieldNumber.authorization) ?? "";
    return authorization === "" ? "" : basicUser(authorization);
  },
  request: (line) => line,
  request_method: (line) => /^([^ ]+) [^ ]/.exec(line)?.[1] ?? "",
  request_uri: targetOf,
  uri: (line) => targetOf(line).replace(/\?.*$/, ""),
  server_protocol: (line) => / (HTTP\/[0-9.]+)$/.exec(line)?.[1] ?? "",
};

function beginVariable(name: string): Note {
  const known = beginVariables[name as LogVariable];
  if (known !== undefined) return known;
  if (name.startsWith("arg_")) return (line) => argument(queryOf(targetOf(line)), name.slice(4));
  if (name.startsWith("cookie_")) return (_, fields) => cookie(field(fields, "cookie"), name.slice(7));
  const fieldName = name.replace(/^http_/, "").replaceAll("_", "-");
  return (_, fields) => field(fields, fieldName);
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

/** Gives the value of a field by its name in lower case; several are joined with a comma (RFC 9110 §5.2). */
function field(fields: FieldTable | null, name: string): string {
  if (fields === null) return "";
  const number = fieldNumber[name as keyof typeof fieldNumber] as number | undefined;
  let joined = "";
  for (let index = 0; index < fields.count; index++) {
    const isIt = number === undefined ? fields.isNamed(index, name) : fields.number[index] === number;
    if (isIt) joined = joined === "" ? fields.value(index) : `${joined}, ${fields.value(index)}`;
  }
  return joined;
}

function argument(query: string, name: string): string {
  const pair = query.split("&").find((one) => one.toLowerCase().startsWith(`${name}=`));
  return pair?.slice(name.length + 1) ?? "";
}

function cookie(cookies: string, name: string): string {
  const pair = cookies.split(/; */).find((one) => one.toLowerCase().startsWith(`${name}=`));
  return pair?.slice(name.length + 1) ?? "";
}
