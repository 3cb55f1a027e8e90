import type { ResponseDirectives } from "./cache-control.ts";
import type { FieldValue, Lifetime } from "./freshness.ts";

/** PURE: what may be stored, RFC 9111 §3. */

/** Final statuses whose meaning a cache knows; 206 is not among them, for only whole answers are stored. */
const statuses: ReadonlySet<number> = new Set([
  200, 203, 204, 300, 301, 302, 307, 308, 404, 405, 410, 414, 501,
]);

/** Tells whether a whole response to GET may be stored in a shared cache. */
export function isStorable(
  status: number,
  said: ResponseDirectives,
  lifetime: Lifetime,
  fields: { readonly response: FieldValue; readonly request: FieldValue },
): boolean {
  const { request, response } = fields;
  if (!statuses.has(status) || said.noStore || said.isPrivate) return false;
  if (response("set-cookie") !== null) return false; // one client's cookie is nobody else's
  if (response("vary")?.includes("*") === true) return false; // RFC 9111 §4.1: it never matches
  if (request("authorization") !== null && !isForAll(said)) return false;
  // What is never fresh is worth its room only if it can be asked about (RFC 9111 §4.3.1).
  return lifetime.freshMs > 0 || response("etag") !== null || response("last-modified") !== null
    ? lifetime.freshMs > 0 || said.noCache || said.maxAgeS !== null || said.sharedMaxAgeS !== null
    : false;
}

/** RFC 9111 §3.5: whether what answers a request with Authorization may answer others. */
export function isForAll(said: ResponseDirectives): boolean {
  return said.isPublic || said.mustRevalidate || said.sharedMaxAgeS !== null;
}

/** Gives the names in Vary, in lower case. */
export function varyNames(vary: string | null): readonly string[] {
  return [...new Set((vary ?? "").toLowerCase().split(","))]
    .map((name) => name.trim())
    .filter((name) => name !== "")
    .sort();
}
