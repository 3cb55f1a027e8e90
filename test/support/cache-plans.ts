import type { CachePlan } from "../../src/config/content-plan.ts";

/** A cache in memory whose answers are of use for a minute. */
export const minuteCache: CachePlan = {
  maxObjectBytes: 10_000,
  ttlMs: 60_000,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  lockTimeoutMs: 5000,
  disk: null,
};

/** The same with a disk; its path and size are those of the process that keeps it. */
export const minuteDiskCache: CachePlan = { ...minuteCache, disk: { path: "", bytes: 1 } };

/** Waits for what becomes true by itself. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(1);
}
