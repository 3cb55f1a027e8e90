import type { StoredResponse } from "../stored-response.ts";
import { statusLineOf } from "../stored-response.ts";
import { encodeDescription, mostBodyBytes } from "./disk-entry.ts";

/** What is of use for a shorter time is not worth being written. */
const leastMs = 10_000;

/** Tells whether an answer will still be of use when it is looked for on a disk. */
export function isWorthADisk({ etag, lastModified, lifetime }: StoredResponse): boolean {
  const usefulMs = lifetime.freshMs + Math.max(lifetime.whileRevalidateMs, lifetime.ifErrorMs);
  return usefulMs >= leastMs || etag !== null || lastModified !== null;
}

/** Writes what an answer's file says of it, with its times by the clock of the day; null if there is too much of that, or of its body. */
export function describe(entry: StoredResponse): Buffer | null {
  const { body, lines, selecting, upstream, url } = entry;
  if (body.length >= mostBodyBytes) return null;
  const offset = Date.now() - performance.now();
  return encodeDescription({
    url,
    upstream,
    selecting,
    statusLine: statusLineOf(entry),
    lines,
    bornMs: entry.bornAt + offset,
    askedMs: entry.askedAt + offset,
  });
}
