import type { z } from "zod";
import { complaint, integer, orElse, orNull, size, table } from "./fields.ts";

/** `limits` of a listener: how long the head of a request may be, in bytes and fields. */
export interface HeadLimitsEntry {
  readonly url: number;
  readonly header: number;
  readonly fields: number;
}

/** `limits` of a site or a route; null is what the listener says. */
export type RouteLimitsEntry = { readonly [Key in keyof HeadLimitsEntry]: HeadLimitsEntry[Key] | null };

const most = 1024 ** 2;
const usual: HeadLimitsEntry = { url: 8 * 1024, header: 16 * 1024, fields: 128 };

function bytes(example: string): z.ZodType<number> {
  return size(64, example).refine((value) => value <= most, {
    error: complaint("is more than 1 MiB", `write 1m at most, as in ${example}`),
  });
}

const url = bytes('url = "8k"');
const header = bytes('header = "16k"');
const fields = integer(1, 256, "fields = 128");
const example = 'limits = { url = "8k", header = "16k", fields = 128 }';

/** `limits` of a listener. */
export const headLimitsSchema: z.ZodType<HeadLimitsEntry> = orElse(
  table(
    {
      url: orElse(url, usual.url),
      header: orElse(header, usual.header),
      fields: orElse(fields, usual.fields),
    },
    example,
  ),
  usual,
);

/** `limits` of a site or a route. */
export const routeLimitsSchema: z.ZodType<RouteLimitsEntry | null> = orNull(
  table({ url: orNull(url), header: orNull(header), fields: orNull(fields) }, example),
);
