import type { StoredResponse } from "../stored-response.ts";
import { statusLineOf } from "../stored-response.ts";
import { encodeHead } from "./disk-entry.ts";

/** What is of use for a shorter time is not worth being written. */
const leastMs = 10_000;

/** Tells whether an answer will still be of use when it is looked for on a disk. */
export function isWorthADisk({ etag, lastModified, lifetime }: StoredResponse): boolean {
  const usefulMs = lifetime.freshMs + Math.max(lifetime.whileRevalidateMs, lifetime.ifErrorMs);
  return usefulMs >= leastMs || etag !== null || lastModified !== null;
}

/** Writes the head of an answer's file, with its times by the clock of the day; null if there is too much. */
export function describe(entry: StoredResponse): Buffer | null {
  const { lines, selecting, upstream, url } = entry;
  const offset = Date.now() - performance.now();
  return encodeHead(
    {
      url,
      upstream,
      selecting,
      statusLine: statusLineOf(entry),
      lines,
      bornMs: entry.bornAt + offset,
      askedMs: entry.askedAt + offset,
    },
    entry.body,
  );
}
