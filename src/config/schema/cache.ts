import type { z } from "zod";
import type { CachePlan } from "../content-plan.ts";
import { complaint, duration, filePath, onOrOff, orElse, orNull, size, table } from "./fields.ts";

const example = 'cache = true, or cache = { ttl = "1m", max_object = "1m" }';
const diskExample = 'disk = "10g"';
const pathExample = 'path = "/var/cache/edge-ha/answers"';
/** The unit makes the folder above it; this one belongs to the proxies. */
const usualPath = "/var/cache/edge-ha/answers";
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
      disk: orNull(size(1024 ** 2, diskExample)),
      path: orNull(filePath(pathExample)),
    },
    example,
  ).transform((entry, context): CachePlan => {
    const { disk, path } = entry;
    if (disk === null && path !== null) {
      const what = "names a folder, but nothing says how much may be in it";
      context.addIssue({
        code: "custom",
        path: ["path"],
        message: complaint(what, `write ${diskExample} beside it`),
      });
    }
    if (disk !== null && disk < entry.max_object) {
      const what = "is less than one answer of max_object takes";
      context.addIssue({
        code: "custom",
        path: ["disk"],
        message: complaint(what, "write a larger one, or a smaller max_object"),
      });
    }
    return {
      maxObjectBytes: entry.max_object,
      ttlMs: entry.ttl,
      staleWhileRevalidateMs: entry.stale_while_revalidate,
      staleIfErrorMs: entry.stale_if_error,
      lockTimeoutMs: entry.lock_timeout,
      disk: disk === null ? null : { path: path ?? usualPath, bytes: disk },
    };
  }),
);
