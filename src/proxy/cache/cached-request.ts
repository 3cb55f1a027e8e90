import type { RequestView } from "../request-view.ts";
import { requestDirectives, type RequestDirectives } from "./cache-control.ts";
import type { FieldValue } from "./freshness.ts";
import { wantedBy, type Wanted } from "./from-store.ts";

/** What the cache has to know of a request. */
export interface CachedRequest {
  readonly url: string;
  readonly asked: RequestDirectives;
  readonly wanted: Wanted;
  readonly hasAuthorization: boolean;
}

/** A request while its fields are there. */
export interface AtHand {
  readonly view: RequestView;
  /** Writes the head that goes to the server. */
  readonly headText: () => string;
}

/** Reads a request; null if it is not for the cache to answer. */
export function cachedRequest(view: RequestView): CachedRequest | null {
  const { head } = view;
  const { method } = head;
  if ((method !== "GET" && method !== "HEAD") || head.bodyLength !== 0 || head.webSocketKey !== null)
    return null;
  const asked = requestDirectives(view.value("cache-control"), view.value("pragma"));
  if (asked.noStore) return null;
  // RFC 9110 §13.1.1, §13.1.4: these are for the origin to judge.
  if (view.value("if-match") !== null || view.value("if-unmodified-since") !== null) return null;
  const url = urlOf(view);
  return { url, asked, wanted: wantedBy(view), hasAuthorization: view.value("authorization") !== null };
}

/** Gives the URL of a request; RFC 9110 §4.2.3: scheme and host without regard to case. */
export function urlOf({ by, head }: RequestView): string {
  return `${by.scheme}://${head.host.toLowerCase()}${head.target}`;
}

/** Keeps the values of a request's fields beyond the turn in which it was read. */
export function keptValues({ fields, head }: RequestView): FieldValue {
  const values = new Map<string, string>([["host", head.host]]);
  for (let index = 0; index < fields.count; index++) {
    const name = fields.name(index).toLowerCase();
    const before = name === "host" ? undefined : values.get(name);
    if (name !== "host")
      values.set(name, before === undefined ? fields.value(index) : `${before}, ${fields.value(index)}`);
  }
  return (name) => values.get(name) ?? null;
}

const conditions = /^(?:if-none-match|if-modified-since|if-range|range):[^\r\n]*\r\n/gim;

/** Gives a request head as it asks for the whole, or for what is newer than what is stored (RFC 9111 §4.3.1). */
export function askingHead(
  headText: string,
  stored: { readonly etag: string | null; readonly lastModified: string | null } | null,
): string {
  const etag = stored?.etag ?? null;
  const lastModified = stored?.lastModified ?? null;
  const validators =
    (etag === null ? "" : `If-None-Match: ${etag}\r\n`) +
    (lastModified === null ? "" : `If-Modified-Since: ${lastModified}\r\n`);
  return `${headText.replace(conditions, "").slice(0, -2)}${validators}\r\n`;
}
