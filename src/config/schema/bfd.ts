import { z } from "zod";
import { complaint, duration, integer, orElse, table } from "./fields.ts";

/** `bfd = { interval = "100ms", multiplier = 3 }`: how the nodes of a virtual router watch each other. */
export interface BfdPaceEntry {
  readonly interval: number;
  readonly multiplier: number;
}

const example = 'bfd = { interval = "100ms", multiplier = 3 }';

/** An interval of BFD, sent or received; what a busy host keeps is not below 10 ms. */
export const bfdIntervalSchema: z.ZodType<number> = duration(10, 60_000, 'interval = "100ms"');

/** RFC 5880 §4.1 gives it one byte. */
export const bfdMultiplierSchema: z.ZodType<number> = integer(1, 255, "multiplier = 3");

/** The table alone. */
export const bfdPaceSchema: z.ZodType<BfdPaceEntry> = table(
  { interval: orElse(bfdIntervalSchema, 100), multiplier: orElse(bfdMultiplierSchema, 3) },
  example,
);

/** The table, or `false` where the cluster's is not wanted. */
export const ownBfdSchema: z.ZodType<BfdPaceEntry | false> = z
  .unknown()
  .transform((value, context): BfdPaceEntry | false => {
    if (value === false) return false;
    if (value === true) {
      context.addIssue(complaint("true says nothing about how fast", `write ${example}`));
      return z.NEVER;
    }
    const result = bfdPaceSchema.safeParse(value);
    if (result.success) return result.data;
    // Unknown keys are reported with the list of those there are, as everywhere.
    for (const issue of result.error.issues) {
      context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
    }
    return z.NEVER;
  });
