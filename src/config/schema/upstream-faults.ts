import { z } from "zod";
import type { UpstreamFault } from "../upstream-policy.ts";
import { complaint, duration, integer, orElse, orNull, table, wants } from "./fields.ts";

/** `ejection = { failures = 5 }`. */
export interface EjectionEntry {
  readonly failures: number;
  readonly window: number;
  readonly time: number;
  readonly max_time: number;
  readonly max_percent: number;
  readonly on: readonly UpstreamFault[];
}

/** `retries = { tries = 2 }` of a route: the budget is its upstream's. */
export type RouteRetriesEntry = Omit<RetriesEntry, "budget">;

/** `retries = { tries = 2 }`. */
export interface RetriesEntry {
  readonly tries: number | null;
  readonly timeout: number | null;
  readonly on: readonly UpstreamFault[];
  readonly budget: number;
  /** Milliseconds. */
  readonly hedge: number | null;
}

/** `queue = { length = 100, timeout = "10s" }`. */
export interface QueueEntry {
  readonly length: number;
  readonly timeout: number;
}

const faultExample = 'on = ["connect", "closed", "timeout", 502, 503, 504]';

const fault = z.unknown().transform((value, context): UpstreamFault => {
  if (value === "connect" || value === "closed" || value === "timeout") return value;
  if (typeof value === "number" && Number.isInteger(value) && value >= 500 && value <= 599) return value;
  context.addIssue(complaint(`${JSON.stringify(value)} is no failure of a server`, `write ${faultExample}`));
  return z.NEVER;
});

const faults: z.ZodType<readonly UpstreamFault[]> = z
  .array(fault, { error: wants("a list of failures", faultExample) })
  .min(1, { error: complaint("is an empty list", `write ${faultExample}, or leave it out`) });

const percentExample = 'budget = "20%"';

const percent = z
  .string({ error: wants("a share in quotes", percentExample) })
  .transform((value, context): number => {
    const match = /^(\d{1,3})%$/.exec(value);
    const found = match === null ? Number.NaN : Number(match[1]);
    if (found <= 100) return found / 100;
    context.addIssue(
      complaint(
        `${JSON.stringify(value)} is no share of requests`,
        `write ${percentExample}, from "0%" to "100%"`,
      ),
    );
    return z.NEVER;
  });

/** `ejection`. */
export const ejectionSchema: z.ZodType<EjectionEntry> = table(
  {
    failures: orElse(integer(1, 1_000, "failures = 5"), 5),
    window: orElse(duration(100, 86_400_000, 'window = "10s"'), 10_000),
    time: orElse(duration(100, 86_400_000, 'time = "30s"'), 30_000),
    max_time: orElse(duration(100, 86_400_000, 'max_time = "5m"'), 300_000),
    max_percent: orElse(integer(1, 100, "max_percent = 50"), 50),
    on: orElse(faults, ["connect", "closed", "timeout", 502, 503, 504]),
  },
  "ejection = { failures = 5 }",
).superRefine(({ max_time: most, time }, context) => {
  if (most >= time) return;
  context.addIssue({
    code: "custom",
    path: ["max_time"],
    message: complaint("is shorter than time", "write a longer one"),
  });
});

/** What holds without the table. */
export const usualRetries: RetriesEntry = {
  tries: null,
  timeout: null,
  on: ["connect", "closed"],
  budget: 0.2,
  hedge: null,
};

const retryRules = {
  tries: orNull(integer(1, 100, "tries = 2")),
  timeout: orNull(duration(10, 86_400_000, 'timeout = "10s"')),
  on: orElse(faults, usualRetries.on),
  hedge: orNull(duration(50, 60_000, 'hedge = "500ms"')),
};

/** `retries`. */
export const retriesSchema: z.ZodType<RetriesEntry> = table(
  { ...retryRules, budget: orElse(percent, usualRetries.budget) },
  'retries = { tries = 2, budget = "20%" }',
);

/** `retries` of a route. */
export const routeRetriesSchema: z.ZodType<RouteRetriesEntry> = table(retryRules, "retries = { tries = 2 }");

/** `queue`. */
export const queueSchema: z.ZodType<QueueEntry> = table(
  {
    length: orElse(integer(1, 1_000_000, "length = 1000"), 1_000),
    timeout: orElse(duration(10, 3_600_000, 'timeout = "10s"'), 10_000),
  },
  'queue = { length = 1000, timeout = "10s" }',
);
