import type { Answer } from "./answer.ts";
import type { HeaderRulesPlan } from "../config/http-plan.ts";
import type { ConnectionEnds } from "./proxy-header-reader.ts";
import { fieldNumber, otherField, spoofedField, type KnownField } from "./http1/field-names.ts";
import type { FieldTable } from "./http1/field-table.ts";
import { chunkedBody, type RequestHead } from "./http1/request-head.ts";
import type { ResponseHead } from "./http1/response-head.ts";
import { fixedText } from "./policy/variables.ts";

/**
 * Which fields cross the proxy. Heads are built anew from what was parsed: first everything that belongs to one
 * connection is dropped, with all that Connection lists (RFC 9110 §7.6.1), and only then our own fields are added,
 * so that no client can have those removed.
 */

const keep = 0;
const drop = 1;
/** Kept only if it is alone and written plainly, else written anew. */
const length = 2;

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
   * Host and minor version that `lastFields` was written for; the clients of a connection mostly name one, so the fields
   * that tell of them, and Via, are one text, built once.
   */
  lastHost: string;
  lastMinor: number;
  lastFields: string;
}

/** What is different in one request on its way to the server. */
export interface Outgoing {
  /** Null is the client's. */
  readonly host: string | null;
  readonly removed: ReadonlySet<string> | null;
  /** Further field lines. */
  readonly added: string;
  /** Field lines that tell of the client; null takes the usual ones. */
  readonly telling: string | null;
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
  let text =
    head.isPlain && host === sentHost
      ? keptFields(fields, keeping, 0)
      : `${head.method} ${head.target} HTTP/1.1\r\nHost: ${host}\r\n${keptFields(fields, keeping, -1)}`;
  if (how !== null) text += how.added;
  // What clients say of themselves is never sent on from here: anybody can write it.
  const telling = how?.telling ?? null;
  text += telling === null ? usualFields(sentHost, head.minor, by) : telling + viaField(head.minor, by);
  if (head.bodyLength === chunkedBody) text += "Transfer-Encoding: chunked\r\n";
  if (head.webSocketKey !== null) text += "Connection: upgrade\r\nUpgrade: websocket\r\n";
  else if (head.takesTrailers) text += "TE: trailers\r\nConnection: TE\r\n"; // RFC 9110 §10.1.4
  if (head.method === "OPTIONS") text += maxForwards(fields);
  return `${text}\r\n`;
}

function usualFields(host: string, minor: number, by: ForwardedBy): string {
  if (by.lastHost !== host || by.lastMinor !== minor) {
    by.lastHost = host;
    by.lastMinor = minor;
    // `join` gives one text; a sum would be put together from its parts again in each head.
    by.lastFields = [forwardedFields(host, by), viaField(minor, by)].join("");
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
      .map(([name, value]) => (value === null ? "" : `${name}: ${value}\r\n`))
      .join(""),
  };
}

/** How the body of a response goes to the client. */
export type ClientFraming = "length" | "chunked" | "until-close" | "none";

/** Writes the head that goes to the client for the response whose fields were read last. */
export function buildResponseHead(
  head: ResponseHead,
  fields: FieldTable,
  rules: HeaderRules,
  to: { readonly framing: ClientFraming; readonly closes: boolean; readonly takesTrailers?: boolean },
): string {
  // RFC 9112 §6.2: HEAD and 304 may tell the length of what is not sent; 1xx and 204 may not (RFC 9110 §8.6).
  const keepsLength =
    to.framing === "length" || (to.framing === "none" && head.status !== 204 && head.status >= 200);
  const actions = to.framing === "chunked" && to.takesTrailers ? announcingActions : responseActions;
  let text = withStatusLine(head, fields, keepingFor(actions, head.listed, rules.removed, keepsLength));
  text += rules.added;
  if (to.framing === "chunked") text += "Transfer-Encoding: chunked\r\n";
  return to.closes ? `${text}Connection: close\r\n\r\n` : `${text}\r\n`;
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
    removed: rules?.removed ?? null,
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

interface Keeping {
  actions: Uint8Array;
  listed: readonly string[];
  removed: ReadonlySet<string> | null;
  keepsLength: boolean;
}

// One for all heads: each is written in one go.
const lastKeeping: Keeping = { actions: requestActions, listed: [], removed: null, keepsLength: false };

/** Tells what of a head stays; valid until the next one is asked for. */
function keepingFor(
  actions: Uint8Array,
  listed: readonly string[],
  removed: ReadonlySet<string> | null,
  keepsLength: boolean,
): Keeping {
  lastKeeping.actions = actions;
  lastKeeping.listed = listed;
  lastKeeping.removed = removed;
  lastKeeping.keepsLength = keepsLength;
  return lastKeeping;
}

/**
 * Gives the field lines that stay, in their order, behind what stands from `start` before them unless that is -1. Neighbours
 * are copied as one run: 3 substrings instead of 12 a request.
 */
function keptFields(fields: FieldTable, keeping: Keeping, start: number): string {
  let text = "";
  let runStart = start;
  let hasLength = false;
  for (let index = 0; index < fields.count; index++) {
    let stays = isKept(fields, index, keeping) || (start === 0 && fields.number[index] === fieldNumber.host);
    if (stays && fields.number[index] === fieldNumber["content-length"]) {
      stays = !hasLength; // several equal ones are sent on as one (RFC 9112 §6.3)
      hasLength = true;
    }
    const lineStart = fields.nameStart[index] ?? 0;
    if (stays && fields.isPlain[index] === 1) {
      if (runStart < 0) runStart = lineStart;
      continue;
    }
    if (runStart >= 0) text += fields.text.substring(runStart, lineStart);
    runStart = -1;
    if (stays) text += `${fields.name(index)}: ${fields.value(index)}\r\n`;
  }
  // What is left of the head is its empty line.
  return runStart < 0 ? text : text + fields.text.substring(runStart, fields.text.length - 2);
}

function isKept(fields: FieldTable, index: number, keeping: Keeping): boolean {
  const number = fields.number[index] ?? otherField;
  const action = keeping.actions[number] ?? keep;
  if (action === drop) return false;
  if (action === length && !keeping.keepsLength) return false;
  const { listed, removed } = keeping;
  if (listed.length === 0 && (removed === null || !mayHold(removed, fields.nameLength(index)))) return true;
  const name = fields.name(index).toLowerCase();
  if (removed?.has(name) === true) return false;
  // RFC 9110 §7.6.1: end-to-end fields must not be listed; those we know are not dropped because a peer lists them.
  return number !== otherField || !listed.includes(name);
}

const lengthsOf = new WeakMap<ReadonlySet<string>, number>();

/** Tells whether a name of this length can be among these: most fields are of another one, and are not looked up then. */
function mayHold(names: ReadonlySet<string>, length: number): boolean {
  let lengths = lengthsOf.get(names);
  if (lengths === undefined) {
    lengths = 0;
    for (const name of names) lengths |= lengthBit(name.length);
    lengthsOf.set(names, lengths);
  }
  return (lengths & lengthBit(length)) !== 0;
}

function lengthBit(length: number): number {
  return 1 << Math.min(length, 31);
}
