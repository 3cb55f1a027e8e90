import type { Answer } from "./answer.ts";
import type { HeaderRulesPlan } from "../config/http-plan.ts";
import type { ConnectionEnds } from "./proxy-header-reader.ts";
import { fieldNumber, spoofedField, type KnownField } from "./http1/field-names.ts";
import type { FieldTable } from "./http1/field-table.ts";
import { chunkedBody, type RequestHead } from "./http1/request-head.ts";
import type { ResponseHead } from "./http1/response-head.ts";
import type { ResponseStart } from "./exchange-client.ts";
import { drop, isKept, keep, keepingFor, keptFields, length, putKept, type Keeping } from "./kept-fields.ts";
import { writeLatin1 } from "./latin1.ts";
import { namedFields } from "./named-fields.ts";
import { fixedText } from "./policy/variables.ts";
import { HeadRoom, SentHead } from "./sent-head.ts";
import type { Room } from "./sockets.ts";

/**
 * Which fields cross the proxy. Heads are built anew from what was parsed: first everything that belongs to one
 * connection is dropped, with all that Connection lists (RFC 9110 §7.6.1), and only then our own fields are added,
 * so that no client can have those removed.
 */

const hopByHop: readonly KnownField[] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

const rewritten: readonly KnownField[] = [
  "host",
  "expect",
  "max-forwards",
  "forwarded",
  "x-real-ip",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-ssl-client-verify",
  "x-ssl-client-s-dn",
  "x-ssl-client-serial",
  "x-ssl-client-fingerprint",
];

function actions(dropped: readonly KnownField[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const name of dropped) table[fieldNumber[name]] = drop;
  table[fieldNumber["content-length"]] = length;
  table[spoofedField] = drop;
  return table;
}

const requestActions = actions([...hopByHop, ...rewritten]);
// RFC 9110 §11.7.1: Proxy-Authenticate belongs to the next client, which is us.
const responseActions = actions(hopByHop);
responseActions[spoofedField] = keep;
// Trailer tells a client that takes trailer fields which ones will come.
const announcingActions = Uint8Array.from(responseActions);
announcingActions[fieldNumber.trailer] = keep;

/** What a connection adds to every request that came over it. */
export interface ForwardedBy {
  readonly remoteAddress: string;
  /** Both ends of the client's connection; of one with a header of the PROXY protocol, what that says of the client's. */
  readonly ends: ConnectionEnds;
  /** Stands for Host where HTTP/1.0 sent none. */
  readonly localAuthority: string;
  readonly scheme: "http" | "https";
  /** Field lines that tell of the client's certificate; empty if none was asked for. */
  readonly certificateFields: string;
  /** What this proxy calls itself in Via. */
  readonly via: string;
  /** Answers every request; null lets them pass. */
  readonly refusal: Answer | null;
  /**
   * Host, minor version and added lines that `lastFields` was written for; the clients of a connection mostly name one host
   * and take one route, so the lines of rules, the fields that tell of clients, and Via are one text, built once.
   */
  lastHost: string;
  lastAdded: string;
  lastMinor: number;
  lastFields: string;
}

/** What is different in one request on its way to the server. */
export interface Outgoing {
  /** Null is the client's. */
  readonly host: string | null;
  readonly removed: ReadonlySet<string> | null;
  /** Further field lines: those that are the same for many requests, and this one's own. */
  readonly added: string;
  readonly own: string;
  /** Field lines that tell of the client; null takes the usual ones. */
  readonly telling: string | null;
  /** Value of X-Request-ID; empty leaves it out. */
  readonly id: string;
}

/** Writes the head that goes to the server for the request whose fields were read last; null takes it as it came. */
export function buildRequestHead(
  head: RequestHead,
  fields: FieldTable,
  by: ForwardedBy,
  how: Outgoing | null = null,
): string {
  const sentHost = head.host === "" ? by.localAuthority : head.host;
  const host = how?.host ?? sentHost;
  const keeping = keepingFor(requestActions, head.listed, how?.removed ?? null, head.bodyLength >= 0);
  // The usual request line is followed by the usual Host: both are copied with the fields behind them.
  const kept =
    head.isPlain && host === sentHost
      ? keptFields(fields, keeping, 0)
      : `${head.method} ${head.target} HTTP/1.1\r\nHost: ${host}\r\n${keptFields(fields, keeping, -1)}`;
  // Lines that the next request may not have again are in no text that is kept.
  const isOwn = how !== null && how.own !== "";
  const own = isOwn ? how.added + how.own : "";
  const added = how === null || isOwn ? "" : how.added;
  // What clients say of themselves is never sent on from here: anybody can write it.
  const telling = how?.telling ?? null;
  let text =
    telling === null
      ? kept + own + usualFields(sentHost, head.minor, by, added)
      : `${kept}${own}${added}${telling}${viaField(head.minor, by)}`;
  if (head.bodyLength === chunkedBody) text += "Transfer-Encoding: chunked\r\n";
  if (head.webSocketKey !== null) text += "Connection: upgrade\r\nUpgrade: websocket\r\n";
  else if (head.takesTrailers) text += "TE: trailers\r\nConnection: TE\r\n"; // RFC 9110 §10.1.4
  if (head.method === "OPTIONS") text += maxForwards(fields);
  return how === null || how.id === "" ? `${text}\r\n` : `${text}X-Request-ID: ${how.id}\r\n\r\n`;
}

const headRoom = new HeadRoom();
const idName = "X-Request-ID: ";

/**
 * Writes the same into bytes from those that the request came in, if it is a usual one, else as text: 90 ns instead of 190,
 * and no memory but these bytes.
 */
export function writeRequestHead(
  head: RequestHead,
  fields: FieldTable,
  by: ForwardedBy,
  how: Outgoing | null,
): SentHead {
  if (!isUsual(head, how)) return SentHead.ofText(buildRequestHead(head, fields, by, how));
  const usual = usualFields(head.host, head.minor, by, how?.added ?? "");
  const id = how?.id ?? "";
  const into = headRoom.roomFor(fields.length + fields.count + usual.length + idName.length + id.length + 4);
  const keeping = keepingFor(requestActions, head.listed, how?.removed ?? null, true);
  let end = putKept(into, headRoom.used, fields, keeping);
  writeLatin1(into, usual, end);
  end += usual.length;
  if (id !== "") {
    writeLatin1(into, idName, end);
    writeLatin1(into, id, end + idName.length);
    end = putLineEnd(into, end + idName.length + id.length);
  }
  return headRoom.wrote(putLineEnd(into, end));
}

/** Whether the head is what was sent and what a connection always adds, and perhaps a name. */
function isUsual(head: RequestHead, how: Outgoing | null): boolean {
  if (!head.isPlain || head.bodyLength < 0 || head.webSocketKey !== null || head.takesTrailers) return false;
  if (head.method === "OPTIONS") return false;
  return (
    how === null || ((how.host === null || how.host === head.host) && how.own === "" && how.telling === null)
  );
}

function putLineEnd(into: Buffer, at: number): number {
  into[at] = 0x0d;
  into[at + 1] = 0x0a;
  return at + 2;
}

function usualFields(host: string, minor: number, by: ForwardedBy, added: string): string {
  if (by.lastHost !== host || by.lastMinor !== minor || by.lastAdded !== added) {
    by.lastHost = host;
    by.lastMinor = minor;
    by.lastAdded = added;
    // `join` gives one text; a sum would be put together from its parts again in each head.
    by.lastFields = [added, forwardedFields(host, by), viaField(minor, by)].join("");
  }
  return by.lastFields;
}

/** RFC 9110 §7.6.3. */
function viaField(minor: number, { via }: ForwardedBy): string {
  return `Via: 1.${minor} ${via}\r\n`;
}

function forwardedFields(host: string, by: ForwardedBy): string {
  const { remoteAddress } = by;
  return (
    `X-Real-IP: ${remoteAddress}\r\nX-Forwarded-For: ${remoteAddress}\r\n` +
    `X-Forwarded-Proto: ${by.scheme}\r\nX-Forwarded-Host: ${host}\r\n${by.certificateFields}`
  );
}

/**
 * Tells whether a request has been twice before where proxies call themselves `via`: then it is sent round in a circle
 * (RFC 9110 §7.6.3). Once is no circle, for a site may have itself for a server.
 */
export function isLoop(fields: FieldTable, via: string): boolean {
  let count = 0;
  for (let at = fields.find(fieldNumber.via); at >= 0; at = fields.find(fieldNumber.via, at + 1)) {
    for (const entry of fields.value(at).split(",")) {
      const by = /^\s*\S+\s+([^\s(]+)/.exec(entry)?.[1] ?? "";
      if (by.toLowerCase() === via.toLowerCase()) count++;
    }
  }
  return count >= 2;
}

/** Gives Max-Forwards of an OPTIONS request, or -1 (RFC 9110 §7.6.2). */
export function maxForwardsOf(fields: FieldTable): number {
  const at = fields.find(fieldNumber["max-forwards"]);
  const value = at < 0 ? "" : fields.value(at);
  return /^[0-9]{1,9}$/.test(value) ? Number(value) : -1;
}

function maxForwards(fields: FieldTable): string {
  const value = maxForwardsOf(fields);
  return value < 0 ? "" : `Max-Forwards: ${Math.max(0, value - 1)}\r\n`;
}

/** The rules of a route, made ready: names in lower case, and the lines to add as one text. */
export interface HeaderRules {
  readonly removed: ReadonlySet<string> | null;
  readonly added: string;
}

/** Makes the header rules of a route ready; `set` is a removal and an addition. What has variables is left to `variableLines`. */
export function compileHeaderRules(plan: HeaderRulesPlan): HeaderRules {
  const removed = [...plan.remove, ...plan.set.map(([name]) => name)].map((name) => name.toLowerCase());
  return {
    removed: removed.length === 0 ? null : new Set(removed),
    added: [...plan.set, ...plan.add]
      .map(([name, value]) => [name, fixedText(value)])
      .flatMap(([name, value]) => (value === null ? [] : [name, ": ", value, "\r\n"]))
      .join(""),
  };
}

/** How the body of a response goes to the client. */
export type ClientFraming = "length" | "chunked" | "until-close" | "none";

/** How a response goes to a client in HTTP/1.1. */
export interface ClientResponse {
  readonly framing: ClientFraming;
  readonly closes: boolean;
  readonly takesTrailers?: boolean;
}

const connectionClose = "Connection: close\r\n";

/** Writes the head that goes to the client for the response whose fields were read last. */
export function buildResponseHead(
  head: ResponseHead,
  fields: FieldTable,
  rules: HeaderRules,
  to: ClientResponse,
): string {
  let text = withStatusLine(head, fields, keepingInResponse(head, rules, to));
  text += rules.added;
  if (to.framing === "chunked") text += "Transfer-Encoding: chunked\r\n";
  return to.closes ? `${text}${connectionClose}\r\n` : `${text}\r\n`;
}

/**
 * Writes the same into a room from the bytes that the head came in, and gives its length; -1 if they are not there any more, if it
 * needs more than is copied, or if there is no room.
 */
export function putResponseHead(
  { bytes: into, start: from }: Room,
  { fields, head, rules }: ResponseStart,
  to: ClientResponse,
): number {
  const most = fields.length + fields.count + rules.added.length + connectionClose.length + 2;
  if (!head.isHttp11 || to.framing === "chunked" || from + most > into.length) return -1;
  let end = putKept(into, from, fields, keepingInResponse(head, rules, to));
  writeLatin1(into, rules.added, end);
  end += rules.added.length;
  if (to.closes) {
    writeLatin1(into, connectionClose, end);
    end += connectionClose.length;
  }
  return putLineEnd(into, end) - from;
}

function keepingInResponse(head: ResponseHead, rules: HeaderRules, to: ClientResponse): Keeping {
  // RFC 9112 §6.2: HEAD and 304 may tell the length of what is not sent; 1xx and 204 may not (RFC 9110 §8.6).
  const keepsLength =
    to.framing === "length" || (to.framing === "none" && head.status !== 204 && head.status >= 200);
  const actions = to.framing === "chunked" && to.takesTrailers === true ? announcingActions : responseActions;
  return keepingFor(actions, head.listed, rules.removed, keepsLength);
}

/** Gives the fields that go to the client, the rules' own behind them, name by name for versions that do not write lines. */
export function eachResponseField(
  head: ResponseHead,
  fields: FieldTable,
  rules: HeaderRules | null,
  each: (name: string, value: string) => void,
): void {
  const keepsLength = head.bodyLength >= 0 && head.status !== 204 && head.status >= 200;
  const keeping = {
    actions: responseActions,
    listed: head.listed,
    removed: namedFields(rules?.removed ?? null),
    keepsLength,
  };
  let hasLength = false;
  for (let index = 0; index < fields.count; index++) {
    if (!isKept(fields, index, keeping)) continue;
    if (fields.number[index] === fieldNumber["content-length"]) {
      if (hasLength) continue;
      hasLength = true;
    }
    each(fields.name(index).toLowerCase(), fields.value(index));
  }
  for (const line of rules === null ? [] : rules.added.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) each(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
}

/** Writes an interim response, or the 101 that opens a tunnel. */
export function buildInterimHead(head: ResponseHead, fields: FieldTable): string {
  const text = withStatusLine(head, fields, keepingFor(responseActions, head.listed, null, false));
  return head.status === 101 ? `${text}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n` : `${text}\r\n`;
}

function withStatusLine(head: ResponseHead, fields: FieldTable, keeping: Keeping): string {
  // RFC 9110 §2.5: we answer in our own version. That of an HTTP/1.1 server is copied with the fields behind it.
  if (head.isHttp11) return keptFields(fields, keeping, 0);
  return `HTTP/1.1${fields.text.substring(8, head.statusLineEnd)}${keptFields(fields, keeping, -1)}`;
}
