import type { FieldTable } from "../http1/field-table.ts";
import type { HeadLimits } from "../http1/head-end.ts";
import { isToken } from "../http1/octets.ts";
import {
  chunkedBody,
  faultOfScan,
  isFault,
  readMessage,
  type RequestFault,
  type RequestHead,
} from "../http1/request-head.ts";
import { newWebSocketKey } from "../websocket-key.ts";
import type { Field } from "./hpack-decoder.ts";

/** RFC 9113 §8.2.2: they speak of the connection, which HTTP/2 does in other ways. */
const connectionSpecific: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

/** RFC 9110 §5.5, and RFC 9113 §8.2.1: no white space around it. */
const fieldValue = /^(?:[!-~\u0080-\u00ff](?:[\t -~\u0080-\u00ff]*[!-~\u0080-\u00ff])?)?$/;

interface PseudoFields {
  method: string | null;
  scheme: string | null;
  authority: string | null;
  path: string | null;
  /** RFC 8441 §4. */
  protocol: string | null;
}

/**
 * Writes a request as HTTP/1.1 has it into `table` and judges it as such, so that one set of rules holds for both: null is
 * malformed (RFC 9113 §8.1.1), and its stream is reset. `isEnd` tells that no body follows; `limits` are those of HTTP/1.
 */
export function readHttp2Request(
  fields: readonly Field[],
  table: FieldTable,
  isEnd: boolean,
  limits: HeadLimits,
): RequestHead | RequestFault | null {
  const pseudo: PseudoFields = { method: null, scheme: null, authority: null, path: null, protocol: null };
  let count = 0;
  for (const { name, value } of fields) {
    if (name.charCodeAt(0) !== 0x3a) break;
    if (!setPseudo(pseudo, name, value)) return null;
    count++;
  }
  const { method, path, protocol, scheme } = pseudo;
  if (method === null || !isToken(method)) return null;
  // RFC 9113 §8.5: CONNECT has neither, but the extended one of RFC 8441 §4 has both.
  if (method === "CONNECT" && protocol === null)
    return scheme === null && path === null ? { status: 405, reason: "method" } : null;
  if (scheme === null || path === null || path === "") return null;
  if (protocol !== null) {
    if (method !== "CONNECT" || hasLength(fields)) return null;
    if (protocol.toLowerCase() !== "websocket") return { status: 501, reason: ":protocol" }; // RFC 9220 §3
  }
  const host = hostOf(pseudo.authority, fields);
  if (host === null) return null;
  const lineEnds = [0, 0];
  // A WebSocket is asked for as HTTP/1.1 has it, too.
  const sentMethod = protocol === null ? method : "GET";
  let text = `${sentMethod} ${path} HTTP/1.1\r\n`;
  lineEnds[0] = text.length;
  if (text.length > limits.startLineBytes + 2) return faultOfScan("line-too-long");
  text += `Host: ${host}\r\n`;
  lineEnds[1] = text.length;
  let cookie = "";
  for (let index = count; index < fields.length; index++) {
    const { name, value } = fields[index] ?? { name: "", value: "" };
    if (!isField({ name, value })) return null;
    if (name === "te" && value !== "trailers") return null;
    if (name === "host" || (protocol !== null && name === "sec-websocket-key")) continue;
    if (name === "cookie") {
      cookie = cookie === "" ? value : `${cookie}; ${value}`; // RFC 9113 §8.2.3
      continue;
    }
    text += `${name}: ${value}\r\n`;
    lineEnds.push(text.length);
  }
  if (cookie !== "") {
    text += `cookie: ${cookie}\r\n`;
    lineEnds.push(text.length);
  }
  if (protocol !== null) {
    for (const line of [
      "connection: upgrade",
      "upgrade: websocket",
      `sec-websocket-key: ${newWebSocketKey()}`,
    ]) {
      text += `${line}\r\n`;
      lineEnds.push(text.length);
    }
  }
  text += "\r\n";
  if (text.length > limits.headBytes) return faultOfScan("head-too-large");
  if (lineEnds.length - 1 > limits.fields) return faultOfScan("too-many-fields");
  if (table.readText(text, lineEnds) !== null) return null;
  const head = readMessage(sentMethod, path, 1, table);
  if (isFault(head)) return head;
  if (protocol !== null) return { ...head, needsTunnel: true };
  if (isEnd) return head.bodyLength === 0 ? head : null; // RFC 9113 §8.1.1
  return head.bodyLength === 0 && !hasLength(fields) ? { ...head, bodyLength: chunkedBody } : head;
}

function setPseudo(pseudo: PseudoFields, name: string, value: string): boolean {
  const key = name.slice(1);
  if (key !== "method" && key !== "scheme" && key !== "authority" && key !== "path" && key !== "protocol")
    return false;
  if (pseudo[key] !== null || !fieldValue.test(value)) return false;
  pseudo[key] = value;
  return true;
}

/** RFC 9113 §8.3.1: Host says the same as `:authority`, or stands for it; null if there is none or they differ. */
function hostOf(authority: string | null, fields: readonly Field[]): string | null {
  let host = authority;
  for (const { name, value } of fields) {
    if (name !== "host") continue;
    if (host !== null && host.toLowerCase() !== value.toLowerCase()) return null;
    host ??= value;
  }
  return host === "" ? null : host;
}

/** Tells whether a field can be one of HTTP/2: a token without capital letters, and a plain value (RFC 9113 §8.2.1). */
export function isField({ name, value }: Field): boolean {
  return isFieldName(name) && fieldValue.test(value) && !connectionSpecific.has(name);
}

function isFieldName(name: string): boolean {
  return isToken(name) && !/[A-Z]/.test(name);
}

function hasLength(fields: readonly Field[]): boolean {
  return fields.some(({ name }) => name === "content-length");
}
