import type { z } from "zod";
import type { CachePlan } from "../content-plan.ts";
import { duration, onOrOff, orElse, size, table } from "./fields.ts";

const example = 'cache = true, or cache = { ttl = "1m", max_object = "1m" }';
const day = 86_400_000;

/** `cache` of a `[[site]]` or a `[[site.route]]`. */
export const cacheSchema: z.ZodType<CachePlan | false> = onOrOff(
  table(
    {
      max_object: orElse(size(1, 'max_object = "1m"'), 1024 ** 2),
      ttl: orElse(duration(0, 365 * day, 'ttl = "1m"'), 0),
      stale_while_revalidate: orElse(duration(0, 365 * day, 'stale_while_revalidate = "1m"'), 0),
      stale_if_error: orElse(duration(0, 365 * day, 'stale_if_error = "1h"'), 0),
      lock_timeout: orElse(duration(0, 3_600_000, 'lock_timeout = "5s"'), 5000),
    },
    example,
  ).transform((entry): CachePlan => ({
    maxObjectBytes: entry.max_object,
    ttlMs: entry.ttl,
    staleWhileRevalidateMs: entry.stale_while_revalidate,
    staleIfErrorMs: entry.stale_if_error,
    lockTimeoutMs: entry.lock_timeout,
  })),
);
