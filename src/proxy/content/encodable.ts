import type { CompressionPlan } from "../../config/content-plan.ts";

/** PURE: which responses may be encoded, and what an encoded one says of itself. */

/** What is known of a response. */
export interface Representation {
  readonly status: number;
  /** Bytes of the whole body; null if that is not known yet. */
  readonly length: number | null;
  /** Gives the value of a field by its name in lower case, several as a list; null if there is none. */
  readonly value: (name: string) => string | null;
}

/** RFC 9110 §8.8.3, RFC 9530: over the bytes as they are sent, so that whoever checks them needs them as they were. */
const digests = ["content-digest", "repr-digest", "digest", "content-md5"];

/** Tells whether a response could be sent encoded to a client that takes it; part of one could be if the whole could. */
export function isEncodable(
  plan: Pick<CompressionPlan, "types" | "minBytes">,
  { length, status, value }: Representation,
): boolean {
  // RFC 9110 §15.3.5, §15.3.6, §15.4.5: without a body.
  if (status < 200 || status === 204 || status === 205 || status === 304) return false;
  if (status !== 206 && length !== null && (length === 0 || length < plan.minBytes)) return false;
  if (!hasType(plan.types, value("content-type"))) return false;
  if (value("content-encoding") !== null || (status !== 206 && value("content-range") !== null)) return false;
  if (/(?:^|[\s,])no-transform(?:$|[\s,;=])/i.test(value("cache-control") ?? "")) return false; // RFC 9110 §7.7
  return digests.every((name) => value(name) === null);
}

/** Tells whether a media type is one of these. */
export function hasType(types: readonly string[], contentType: string | null): boolean {
  const type = contentType?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type.startsWith("application/grpc")) return false; // it has a compression of its own, message by message
  if (types.includes(type)) return true;
  // Who wants a stream of events encoded names it.
  return type !== "text/event-stream" && types.includes(`${type.split("/")[0]}/*`);
}

/** Tells whether Vary already says that answers differ by what the client takes. */
export function variesByEncoding(vary: string | null): boolean {
  return /(?:^|[\s,])(?:accept-encoding|\*)(?:$|[\s,])/i.test(vary ?? "");
}

/** Gives the entity tag of an encoded response: the bytes are others, what they mean is not (RFC 9110 §8.8.1, §8.8.3). */
export function weakTag(etag: string): string {
  return etag.startsWith("W/") ? etag : `W/${etag}`;
}

/**
 * Gives the tag of a 304 for a client that holds the encoded answer: the weak one, or the 304 would not be for what it
 * holds (RFC 9111 §4.3.4). Null leaves it as it is.
 */
export function heldTag(etag: string | null, noneMatch: string | null): string | null {
  if (etag === null || etag.startsWith("W/") || noneMatch === null) return null;
  return noneMatch.includes(weakTag(etag)) ? weakTag(etag) : null;
}
