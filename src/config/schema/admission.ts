import { z } from "zod";
import type { BasicAuthPlan, LimitKeyPlan } from "../admission-plan.ts";
import { complaint, filePath, flag, integer, orElse, orNull, table, text, wants } from "./fields.ts";
import { readHashSource } from "./hash-source.ts";

/** `rate_limit`. */
export interface RateLimitEntry {
  /** Time from one request to the next, in milliseconds. */
  readonly rate: number;
  readonly burst: number;
  readonly delay: boolean;
  readonly key: LimitKeyPlan;
}

/** `connection_limit`. */
export interface ConnectionLimitEntry {
  readonly connections: number;
  readonly status: number;
  readonly key: LimitKeyPlan;
}

/** Keys of a site and of a route alike; the route's value replaces the site's. */
export interface AdmissionEntry {
  readonly basic_auth: BasicAuthPlan | false | null;
  readonly rate_limit: RateLimitEntry | false | null;
  readonly connection_limit: ConnectionLimitEntry | false | null;
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

const limitKey: z.ZodType<LimitKeyPlan> = z
  .string({ error: wants("what is counted apart, in quotes", 'key = "source"') })
  .transform((value, context): LimitKeyPlan => {
    if (value === "source" || value === "host" || value === "all") return { kind: value };
    const part = readHashSource(value);
    if (part !== null) return part;
    const known =
      'write "source", "host", "path", "uri", "header:X-Api-Key", "cookie:session", "query:id" or "all"';
    context.addIssue(complaint(`${JSON.stringify(value)} is nothing that is counted`, known));
    return z.NEVER;
  });

const rateLimit: z.ZodType<RateLimitEntry> = table(
  {
    rate,
    burst: orElse(integer(0, 1_000_000, "burst = 20"), 0),
    delay: orElse(flag("delay = true"), false),
    key: orElse(limitKey, { kind: "source" }),
  },
  'rate_limit = { rate = "10/s", burst = 20 }',
);

const connectionLimit: z.ZodType<ConnectionLimitEntry> = table(
  {
    connections: integer(1, 1_000_000, "connections = 10"),
    status: orElse(integer(400, 599, "status = 429"), 503),
    key: orElse(limitKey, { kind: "source" }),
  },
  "connection_limit = { connections = 10 }",
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

/** `basic_auth`, `rate_limit` and `connection_limit`. */
export const admission: {
  readonly [Key in keyof AdmissionEntry]: z.ZodType<AdmissionEntry[Key]>;
} = {
  basic_auth: orFalse(basicAuth),
  rate_limit: orFalse(rateLimit),
  connection_limit: orFalse(connectionLimit),
};
