import { z } from "zod";
import type { BasicAuthPlan, RateKeyPlan } from "../admission-plan.ts";
import { complaint, filePath, flag, integer, orElse, orNull, table, text, wants } from "./fields.ts";

/** `rate_limit`. */
export interface RateLimitEntry {
  /** Time from one request to the next, in milliseconds. */
  readonly rate: number;
  readonly burst: number;
  readonly delay: boolean;
  readonly key: RateKeyPlan;
}

/** Keys of a site and of a route alike; the route's value replaces the site's. */
export interface AdmissionEntry {
  readonly basic_auth: BasicAuthPlan | false | null;
  readonly rate_limit: RateLimitEntry | false | null;
}

const authExample = 'basic_auth = { users = "/etc/edge-ha/users" }';

const basicAuth: z.ZodType<BasicAuthPlan> = table(
  {
    users: filePath('users = "/etc/edge-ha/users"'),
    realm: orElse(
      text('realm = "Office"').refine((value) => /^[ !#-[\]-~]*$/.test(value), {
        error: complaint("can be no realm", "write letters of ASCII without quotation marks and backslash"),
      }),
      "edge-ha",
    ),
  },
  authExample,
);

const rateExample = 'rate = "10/s"';
const unitMs: Readonly<Record<string, number>> = { s: 1000, min: 60_000 };

const rate: z.ZodType<number> = z
  .string({ error: wants("a number of requests per time in quotes", rateExample) })
  .transform((value, context) => {
    const [, digits = "", unit = ""] = /^(\d{1,7})\/(s|min)$/.exec(value) ?? [];
    const count = Number(digits);
    const ms = unitMs[unit];
    if (ms !== undefined && count > 0) return ms / count;
    context.addIssue(
      complaint(`"${value}" is no rate`, `write ${rateExample} for each second, or rate = "30/min"`),
    );
    return z.NEVER;
  });

const token = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;
const keyExample = 'key = "source"';

const rateKey: z.ZodType<RateKeyPlan> = z
  .string({ error: wants("what is counted apart, in quotes", keyExample) })
  .transform((value, context): RateKeyPlan => {
    if (value === "source" || value === "path") return { kind: value };
    const colon = value.indexOf(":");
    const kind = value.slice(0, Math.max(0, colon));
    const name = value.slice(colon + 1);
    if (kind === "header" && token.test(name)) return { kind, name: name.toLowerCase() };
    if (kind === "cookie" && token.test(name)) return { kind, name };
    const known = 'write "source", "path", "header:X-Api-Key" or "cookie:session"';
    context.addIssue(complaint(`${JSON.stringify(value)} is nothing that is counted`, known));
    return z.NEVER;
  });

const rateLimit: z.ZodType<RateLimitEntry> = table(
  {
    rate,
    burst: orElse(integer(0, 1_000_000, "burst = 20"), 0),
    delay: orElse(flag("delay = true"), false),
    key: orElse(rateKey, { kind: "source" }),
  },
  'rate_limit = { rate = "10/s", burst = 20 }',
);

/** A table, or false where a route does without its site's; what is wrong is said at its own place. */
function orFalse<T>(schema: z.ZodType<T>): z.ZodType<T | false | null> {
  const either = z.unknown().transform((input, context): T | false => {
    if (input === false) return false;
    const read = schema.safeParse(input);
    if (read.success) return read.data;
    for (const issue of read.error.issues) {
      const { message, path } = issue;
      if (issue.code === "unrecognized_keys")
        context.issues.push({ code: issue.code, keys: issue.keys, message, path: [...path], input: {} });
      else context.issues.push({ code: "custom", message, path: [...path], input });
    }
    return z.NEVER;
  });
  return orNull(either);
}

/** `basic_auth` and `rate_limit`. */
export const admission: {
  readonly basic_auth: z.ZodType<AdmissionEntry["basic_auth"]>;
  readonly rate_limit: z.ZodType<AdmissionEntry["rate_limit"]>;
} = { basic_auth: orFalse(basicAuth), rate_limit: orFalse(rateLimit) };
