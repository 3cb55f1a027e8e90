import type { z } from "zod";
import { integer, orElse, size, table } from "./fields.ts";

/** `limits` of a listener: how long the head of a request may be, in bytes and fields. */
export interface HeadLimitsEntry {
  readonly url: number;
  readonly header: number;
  readonly fields: number;
}

const most = 1024 ** 2;
const usual: HeadLimitsEntry = { url: 8 * 1024, header: 16 * 1024, fields: 128 };

function bytes(example: string, fallback: number): z.ZodType<number> {
  return orElse(
    size(64, example).transform((value) => Math.min(value, most)),
    fallback,
  );
}

/** `limits` of a listener. */
export const headLimitsSchema: z.ZodType<HeadLimitsEntry> = orElse(
  table(
    {
      url: bytes('url = "8k"', usual.url),
      header: bytes('header = "16k"', usual.header),
      fields: orElse(integer(1, 256, "fields = 128"), usual.fields),
    },
    'limits = { url = "8k", header = "16k", fields = 128 }',
  ),
  usual,
);
