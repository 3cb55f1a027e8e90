import type { CachePlan } from "../../config/content-plan.ts";
import { httpDate } from "../content/conditions.ts";
import { craftResponse, type CraftedResponse } from "../content/crafted-response.ts";
import { fieldLines, writtenLines, type FieldLine } from "../http1/field-lines.ts";
import type { FieldTable } from "../http1/field-table.ts";
import type { ResponseHead } from "../http1/response-head.ts";
import type { StoredBody } from "./body-file.ts";
import { responseDirectives } from "./cache-control.ts";
import { initialAgeMs, lifetimeOf, mayReplaceError, type FieldValue, type Lifetime } from "./freshness.ts";
import { isForAll, varyNames } from "./storable.ts";
import { selectingFields, type Variant } from "./variant.ts";

/** A response in the cache. It is never changed: one that was found unchanged makes another. */
export interface StoredResponse extends CraftedResponse, Variant {
  /** Scheme, authority and target of its request. */
  readonly url: string;
  readonly lines: readonly FieldLine[];
  readonly body: StoredBody;
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly lastModifiedMs: number | null;
  readonly lifetime: Lifetime;
  /** Whether it may answer requests with Authorization. */
  readonly isForAll: boolean;
  /** When it was of age 0, in milliseconds of the monotonic clock. */
  readonly bornAt: number;
  /** When it was asked for, likewise. */
  readonly askedAt: number;
  /** Bytes that it counts for. */
  readonly cost: number;
}

/** Of one connection, or written anew with each answer. */
const left: ReadonlySet<string> = new Set([
  "age",
  "connection",
  "content-length",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-cache",
]);

/** What an entry takes beside its texts: field table, maps and the object itself. */
const overheadBytes = 2048;

/** Gives the field lines of a response that are stored (RFC 9111 §3.1). */
export function storedLines(head: ResponseHead, fields: FieldTable): readonly FieldLine[] {
  return fieldLines(fields, (name) => !left.has(name) && !head.listed.includes(name));
}

/** Gives values of field lines by name in lower case, several as a list. */
export function valuesOf(lines: readonly FieldLine[]): FieldValue {
  return (name) => {
    const values = lines.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);
    return values.length === 0 ? null : values.join(", ");
  };
}

/** RFC 5861 §4. */
const serverErrors: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** Tells whether a response may stand in place of an error that a server, or the proxy, answers now. */
export function replacesError({ bornAt, lifetime }: StoredResponse, status: number): boolean {
  return serverErrors.has(status) && mayReplaceError(lifetime, performance.now() - bornAt);
}

/** What is known when a response is stored. */
export interface Origin {
  readonly url: string;
  readonly upstream: string;
  readonly plan: CachePlan;
  readonly request: FieldValue;
  /** Value of its Age, which is not among the lines. */
  readonly age: string | null;
  /** How long it took to come, and the time now: of the monotonic clock, and of Unix. */
  readonly delayMs: number;
  readonly now: number;
  readonly unixMs: number;
}

/** Says of an answer that is just coming when it was asked for, on the monotonic clock. */
export function comingNow(
  of: Pick<Origin, "url" | "upstream" | "plan" | "request" | "age">,
  askedAt: number,
): Origin {
  const now = performance.now();
  return { ...of, delayMs: now - askedAt, now, unixMs: Date.now() };
}

/** Makes an entry of a whole response. */
export function storedResponse(
  statusLine: string,
  lines: readonly FieldLine[],
  body: StoredBody,
  origin: Origin,
): StoredResponse {
  const { delayMs, now, plan, request, unixMs, upstream, url } = origin;
  const value = valuesOf(lines);
  const withAge: FieldValue = (name) => (name === "age" ? origin.age : value(name));
  const selecting = selectingFields(varyNames(value("vary")), request);
  const bornAt = now - initialAgeMs(withAge, unixMs, delayMs);
  return restored({ url, upstream, selecting, statusLine, lines }, body, {
    plan,
    bornAt,
    askedAt: now - delayMs,
  });
}

/** What of an entry is kept on a disk beside its body and its times. */
export interface Described extends Variant {
  readonly url: string;
  readonly statusLine: string;
  readonly lines: readonly FieldLine[];
}

/** Makes an entry of what is known of it; how long it is of use is judged by the plan of today. */
export function restored(
  { lines, selecting, statusLine, upstream, url }: Described,
  body: StoredBody,
  of: Pick<StoredResponse, "bornAt" | "askedAt"> & { readonly plan: CachePlan },
): StoredResponse {
  const { askedAt, bornAt, plan } = of;
  const value = valuesOf(lines);
  const said = responseDirectives(value("cache-control"));
  const text = writtenLines(lines);
  const status = statusLine.slice(9, 12);
  const length = status === "204" ? "" : `Content-Length: ${body.length}\r\n`;
  const lastModified = value("last-modified");
  return {
    ...craftResponse(statusLine, text + length),
    url,
    upstream,
    selecting,
    lines,
    body,
    etag: value("etag"),
    lastModified,
    lastModifiedMs: lastModified === null ? null : httpDate(lastModified),
    lifetime: lifetimeOf(said, value, plan),
    isForAll: isForAll(said),
    bornAt,
    askedAt,
    cost: overheadBytes + body.length + 3 * text.length + url.length,
  };
}

/** These speak of a body that a 304 has not (RFC 9111 §3.2). */
const ofBody: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-range",
  "content-type",
  "content-md5",
]);

/** Makes an entry of one that was found unchanged: what the 304 says replaces what was there (RFC 9111 §4.3.4). */
export function freshened(
  stored: StoredResponse,
  lines: readonly FieldLine[],
  origin: Origin,
): StoredResponse {
  const news = lines.filter(([name]) => !ofBody.has(name.toLowerCase()));
  const names = new Set(news.map(([name]) => name.toLowerCase()));
  const kept = stored.lines.filter(([name]) => !names.has(name.toLowerCase()));
  return storedResponse(statusLineOf(stored), [...kept, ...news], stored.body, origin);
}

/** Gives the status line of a response, without its line end and in our own version. */
export function statusLineOf({ fields, head }: CraftedResponse): string {
  return `HTTP/1.1${fields.text.substring(8, head.statusLineEnd - 2)}`;
}

/** Gives the Age field of an answer (RFC 9111 §5.1), or null. */
export function ageOf({ fields }: { readonly fields: FieldTable }): string | null {
  for (let index = 0; index < fields.count; index++)
    if (fields.isNamed(index, "age")) return fields.value(index);
  return null;
}
