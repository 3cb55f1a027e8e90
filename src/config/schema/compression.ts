import { z } from "zod";
import type { Coding, CompressionPlan } from "../content-plan.ts";
import { choice, complaint, integer, onOrOff, orElse, size, table, wants } from "./fields.ts";

const example =
  'compression = true, or compression = { encodings = ["zstd", "br", "gzip"], min_length = "1k" }';
const encodingsExample = 'encodings = ["zstd", "br", "gzip"]';
const typesExample = 'types = ["text/html", "application/json"]';
const levelExample = "level = { gzip = 5, br = 4, zstd = 2 }";

/** Text that is not encoded yet, and what is as good as text. */
const usualTypes = [
  "application/javascript",
  "application/json",
  "application/ld+json",
  "application/manifest+json",
  "application/wasm",
  "application/xhtml+xml",
  "application/xml",
  "application/rss+xml",
  "application/atom+xml",
  "image/svg+xml",
  "text/css",
  "text/html",
  "text/javascript",
  "text/markdown",
  "text/plain",
  "text/xml",
];

const coding: z.ZodType<Coding> = choice(
  ["zstd", "br", "gzip"],
  {},
  {
    deflate: 'write "gzip": whoever takes deflate takes that, too',
    brotli: 'write "br"',
    zst: 'write "zstd"',
  },
);

const type: z.ZodType<string> = z
  .string({ error: wants("a media type in quotes", typesExample) })
  .transform((value) => value.toLowerCase())
  .superRefine((value, context) => {
    if (/^[a-z0-9!#$&^_.+-]+\/(?:[a-z0-9!#$&^_.+-]+|\*)$/.test(value)) return;
    context.addIssue(complaint(`${JSON.stringify(value)} is no media type`, `write ${typesExample}`));
  });

const levels = table(
  {
    gzip: orElse(integer(1, 9, levelExample), 5),
    br: orElse(integer(0, 6, levelExample), 4),
    zstd: orElse(integer(1, 7, levelExample), 2),
  },
  levelExample,
);

function uniqueList<T>(one: z.ZodType<T>, kind: string, listExample: string): z.ZodType<T[]> {
  return z
    .array(one, { error: wants(kind, listExample) })
    .min(1, { error: complaint("is an empty list", `write ${listExample}, or compression = false`) })
    .transform((list) => [...new Set(list)]);
}

/** `compression` of a `[[site]]` or a `[[site.route]]`. */
export const compressionSchema: z.ZodType<CompressionPlan | false> = onOrOff(
  table(
    {
      encodings: orElse<Coding[]>(uniqueList(coding, "a list of codings", encodingsExample), [
        "zstd",
        "br",
        "gzip",
      ]),
      types: orElse(uniqueList(type, "a list of media types", typesExample), usualTypes),
      min_length: orElse(size(0, 'min_length = "1k"'), 1024),
      level: orElse<z.infer<typeof levels>>(levels, { gzip: 5, br: 4, zstd: 2 }),
    },
    example,
  ).transform((entry): CompressionPlan => ({
    codings: entry.encodings,
    types: entry.types,
    minBytes: entry.min_length,
    levels: entry.level,
  })),
);
