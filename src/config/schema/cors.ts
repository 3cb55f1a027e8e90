import { z } from "zod";
import type { CorsPlan } from "../routing-plan.ts";
import { methods } from "./conditions.ts";
import { complaint, duration, flag, orElse, table, wants } from "./fields.ts";

const example = 'cors = { origins = ["https://app.example"], methods = ["GET", "POST"] }';

const origin = z
  .string({ error: wants("an origin in quotes", 'origins = ["https://app.example"]') })
  .superRefine((value, context) => {
    // RFC 6454 §6.2: scheme, host and perhaps a port, in lower case, and nothing behind.
    if (
      value === "*" ||
      /^[a-z][a-z0-9+.-]*:\/\/(?:\*\.)?(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/.test(value)
    )
      return;
    const what = `${JSON.stringify(value)} is no origin`;
    context.addIssue(
      complaint(what, 'write scheme and host without a final "/", as in "https://app.example", or "*"'),
    );
  });

const field = z
  .string({ error: wants("a field name in quotes", 'headers = ["Content-Type"]') })
  .refine((value) => /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(value), {
    error: complaint("is no field name", "write letters, digits and hyphens"),
  });
const fieldList = orElse(
  z.array(field, { error: wants("a list of field names", 'headers = ["Content-Type"]') }),
  [],
);

/** `cors`: which pages of other origins may read the responses. */
export const corsSchema: z.ZodType<CorsPlan> = table(
  {
    origins: z
      .array(origin, { error: wants("a list of origins", 'origins = ["https://app.example"]') })
      .min(1, { error: complaint("is an empty list", 'write origins = ["https://app.example"]') }),
    methods: orElse(methods('methods = ["GET", "POST"]'), ["GET", "HEAD", "POST"]),
    headers: fieldList,
    expose: fieldList,
    credentials: orElse(flag("credentials = true"), false),
    max_age: orElse(duration(0, 86_400_000, 'max_age = "10m"'), 600_000),
  },
  example,
)
  .superRefine(({ credentials, origins }, context) => {
    if (!credentials || !origins.includes("*")) return;
    const what = '"*" with credentials would let every page in the world act as its visitor';
    context.addIssue({
      code: "custom",
      message: complaint(what, 'name the origins, as in origins = ["https://app.example"]'),
      path: ["origins"],
    });
  })
  .transform(({ max_age, ...rest }) => ({ ...rest, maxAgeS: Math.trunc(max_age / 1000) }));
