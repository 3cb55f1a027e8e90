import { fieldNumber, otherField } from "./field-names.ts";
import type { FieldTable } from "./field-table.ts";
import type { HeadFault, HeadScan } from "./head-end.ts";
import { readLatin1 } from "../latin1.ts";
import { authorityIn, hostNameOf } from "./host.ts";
import { connectionOptions, joinOptions, listElements, withoutConnection } from "./lists.ts";
import { isTextAt, isToken, SP } from "./octets.ts";
import { readTarget } from "./request-target.ts";

/** Body length of a message whose end is marked by its chunks. */
export const chunkedBody = -1;

/** Body length of a response that ends with its connection. */
export const untilCloseBody = -2;

/** What the engine has to know of a request; the rest stays in the field table until the next head is read. */
export interface RequestHead {
  readonly method: string;
  /** Origin-form or `*`, as it goes to the server. */
  readonly target: string;
  /** 0 or 1: HTTP/1.0 or HTTP/1.1. */
  readonly minor: number;
  /** The authority as the client wrote it; empty with HTTP/1.0 only. */
  readonly host: string;
  /** Lower case, without port. */
  readonly hostName: string;
  /** Bytes of the body, or `chunkedBody`. */
  readonly bodyLength: number;
  /** Whether its request line, of HTTP/1.1 in origin-form, and behind it Host may be copied as they stand. */
  readonly isPlain: boolean;
  readonly keepsAlive: boolean;
  readonly expectsContinue: boolean;
  /** Sec-WebSocket-Key if it asks for a WebSocket in the way RFC 6455 §4.1 wants, else null. */
  readonly webSocketKey: string | null;
  /** Whether a success would tell its client that the WebSocket is there, as over HTTP/2 (RFC 8441 §5). */
  readonly needsTunnel: boolean;
  /** Whether it said `TE: trailers`: then trailer fields of the response may go to it (RFC 9110 §6.5.1). */
  readonly takesTrailers: boolean;
  /** Names of the fields Connection lists. */
  readonly listed: readonly string[];
}

/** A request that gets an error and no service; the connection is closed behind it. */
export interface RequestFault {
  readonly status: 400 | 405 | 414 | 417 | 431 | 501 | 505;
  readonly reason: string;
}

/** Tells a fault from a head. */
export function isFault(result: RequestHead | RequestFault): result is RequestFault {
  return "status" in result;
}

const scanStatus: Readonly<Record<HeadFault, RequestFault["status"]>> = {
  "line-too-long": 414,
  "head-too-large": 431,
  "too-many-fields": 431,
  "bare-lf": 400,
  "bare-cr": 400,
  control: 400,
};

/** Gives the answer to what the scan of a head found. */
export function faultOfScan(fault: HeadFault): RequestFault {
  return { status: scanStatus[fault], reason: fault };
}

/** Reads the request head that `scan` found in `bytes`; the fields go into `fields`. */
export function readRequestHead(
  bytes: Buffer,
  scan: HeadScan,
  fields: FieldTable,
): RequestHead | RequestFault {
  if (scan.lineCount === 0) return malformed("request-line");
  const { start } = scan;
  const lineEnd = (scan.lineEnds[0] ?? 0) - 2;
  const targetEnd = lineEnd - 9;
  let methodEnd = start;
  while (methodEnd < targetEnd && bytes[methodEnd] !== SP) methodEnd++;
  if (methodEnd === start || methodEnd >= targetEnd) return malformed("request-line");
  const method = methodOf(bytes, start, methodEnd);
  if (method === null) return malformed("method");
  if (bytes[targetEnd] !== SP || !isTextAt(bytes, targetEnd + 1, "HTTP/")) return malformed("request-line");
  const major = (bytes[targetEnd + 6] ?? 0) - 0x30;
  const minor = (bytes[targetEnd + 8] ?? 0) - 0x30;
  if (!isDigit(major) || !isDigit(minor) || bytes[targetEnd + 7] !== 0x2e) return malformed("version");
  if (major !== 1) return { status: 505, reason: "version" };
  const fault = fields.read(bytes, scan, false);
  if (fault !== null) return malformed(fault);
  return readMessage(method, readLatin1(bytes, methodEnd + 1, targetEnd), minor, fields);
}

const usualMethods = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"];

/** Gives the method that a request line begins with; one that is usual is not made anew for each request. */
function methodOf(bytes: Buffer, start: number, end: number): string | null {
  for (const method of usualMethods)
    if (method.length === end - start && isTextAt(bytes, start, method)) return method;
  const method = readLatin1(bytes, start, end);
  return isToken(method) ? method : null;
}

function isDigit(value: number): boolean {
  return value >= 0 && value <= 9;
}

function malformed(reason: string): RequestFault {
  return { status: 400, reason };
}

/** Judges a request whose fields stand in `fields` (RFC 9112 §3.2, §6.3), whatever version of HTTP they came in. */
export function readMessage(
  method: string,
  target: string,
  sentMinor: number,
  fields: FieldTable,
): RequestHead | RequestFault {
  const minor = sentMinor === 0 ? 0 : 1;
  let options = withoutConnection;
  let hostAt = -1;
  let lengthAt = -1;
  let expectAt = -1;
  let coding: string | null = null;
  let takesTrailers = false;
  for (let index = 0; index < fields.count; index++) {
    switch (fields.number[index] ?? otherField) {
      case fieldNumber.connection: {
        const next = connectionOptions(fields, index);
        options = options === withoutConnection ? next : joinOptions(options, next);
        break;
      }
      case fieldNumber.host:
        if (hostAt >= 0) return malformed("two Host fields"); // RFC 9112 §3.2
        hostAt = index;
        break;
      case fieldNumber["content-length"]:
        if (lengthAt >= 0) return malformed("two Content-Length fields"); // RFC 9112 §6.3
        lengthAt = index;
        break;
      case fieldNumber["transfer-encoding"]:
        coding = coding === null ? fields.value(index) : `${coding},${fields.value(index)}`;
        break;
      case fieldNumber.expect:
        expectAt = index;
        break;
      case fieldNumber.te:
        takesTrailers = minor === 1 && listElements(fields.value(index)).includes("trailers");
        break;
    }
  }
  // Framing comes first: whatever else is wrong, a body whose end is uncertain must not be read on.
  const bodyLength = requestBodyLength(fields, lengthAt, coding, minor);
  if (typeof bodyLength !== "number") return bodyLength;
  if (method === "TRACE" || method === "CONNECT") return { status: 405, reason: "method" };
  const parts = readTarget(target, method);
  if (parts === null) return malformed("target");
  if (hostAt < 0 && minor === 1) return malformed("no Host"); // RFC 9112 §3.2
  const sent = hostAt < 0 ? "" : authorityIn(fields, hostAt);
  const sentName = hostNameOf(sent);
  if (sentName === null && hostAt >= 0) return malformed("Host");
  const host = parts.authority ?? sent;
  const hostName = parts.authority === null ? (sentName ?? "") : hostNameOf(parts.authority);
  if (hostName === null) return malformed("target");
  const expectation = expectAt < 0 || minor === 0 ? "" : fields.value(expectAt).toLowerCase();
  if (expectation !== "" && expectation !== "100-continue") return { status: 417, reason: "Expect" }; // RFC 9110 §10.1.1
  return {
    method,
    target: parts.forwarded,
    minor,
    host,
    hostName,
    bodyLength,
    isPlain: sentMinor === 1 && parts.authority === null && hostAt === 0 && fields.isPlain[0] === 1,
    // RFC 9112 §9.3: a persistent connection with HTTP/1.0 is not offered, its Keep-Alive cannot be trusted through proxies.
    keepsAlive: minor === 1 && !options.closes,
    expectsContinue: expectation !== "" && bodyLength !== 0,
    webSocketKey: options.upgrades && minor === 1 && bodyLength === 0 ? webSocketKeyOf(method, fields) : null,
    needsTunnel: false,
    takesTrailers,
    listed: options.listed,
  };
}

function requestBodyLength(
  fields: FieldTable,
  lengthAt: number,
  coding: string | null,
  minor: number,
): number | RequestFault {
  if (coding === null) {
    if (lengthAt < 0) return 0;
    return fields.contentLength(lengthAt) ?? malformed("Content-Length");
  }
  if (lengthAt >= 0) return malformed("Content-Length with Transfer-Encoding"); // RFC 9112 §6.1
  if (minor === 0) return malformed("Transfer-Encoding in HTTP/1.0"); // RFC 9112 §6.1
  const codings = listElements(coding);
  if (codings.at(-1) !== "chunked") return malformed("Transfer-Encoding"); // RFC 9112 §6.3
  if (codings.indexOf("chunked") < codings.length - 1) return malformed("chunked twice"); // RFC 9112 §7.1
  return codings.length === 1 ? chunkedBody : { status: 501, reason: "Transfer-Encoding" };
}

const webSocketKey = /^[A-Za-z0-9+/]{22}==$/;

function webSocketKeyOf(method: string, fields: FieldTable): string | null {
  const upgradeAt = fields.find(fieldNumber.upgrade);
  const keyAt = fields.find(fieldNumber["sec-websocket-key"]);
  if (method !== "GET" || upgradeAt < 0 || keyAt < 0) return null;
  const key = fields.value(keyAt);
  return listElements(fields.value(upgradeAt)).includes("websocket") && webSocketKey.test(key) ? key : null;
}
