import { isLogPieces, namedFormats, parseLogFormat, type LogEscape } from "../config/log-format.ts";
import { escapeLogged } from "./access-log-line.ts";
import type { FieldTable } from "./http1/field-table.ts";
import { logVariable, type LoggedRequest, type Note } from "./log-variables.ts";

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
  /** Whether anything wants the head that a server sent. */
  readonly wantsUpstreamHead: boolean;
}

type Write = (notes: readonly string[], request: LoggedRequest) => string;

/** As with nginx, these are there even where they are empty. */
const mayBeEmpty: ReadonlySet<string> = new Set(["is_args", "https", "http2", "http3"]);

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
    const { atEnd, note } = logVariable(piece.variable);
    const written = mayBeEmpty.has(piece.variable) ? escapes.none : escaped;
    if (note === null) return (_, request) => written(atEnd("", request));
    const index = notes.push(note) - 1;
    return (noted, request) => written(atEnd(noted[index] ?? "", request));
  });
  const names = new Set(pieces.flatMap((piece) => (typeof piece === "string" ? [] : [piece.variable])));
  const wantsAny = (...wanted: readonly string[]): boolean => wanted.some((name) => names.has(name));
  const wantsBeginning = (prefix: string): boolean => [...names].some((name) => name.startsWith(prefix));
  return {
    note: (requestLine, fields) => notes.map((note) => note(requestLine, fields)),
    write(noted, request) {
      let line = "";
      for (const write of writes) line += write(noted, request);
      return `${line}\n`;
    },
    wantsTimes: wantsAny("request_time", "upstream_queue_time"),
    wantsTrace: names.has("proxy_host") || wantsBeginning("upstream_"),
    wantsNumbers: wantsAny("connection", "connection_requests"),
    wantsIds: wantsAny("request_id", "trace_id"),
    wantsHead: wantsBeginning("sent_http_"),
    wantsUpstreamHead: wantsBeginning("upstream_http_") || wantsBeginning("upstream_cookie_"),
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
