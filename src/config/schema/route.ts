import { z } from "zod";
import { contentKeys, type ContentEntry } from "./content.ts";
import { admission, type AdmissionEntry } from "./admission.ts";
import { complaint, duration, orElse, table, text, wants } from "./fields.ts";
import { headerRules, type HeaderRulesEntry } from "./header-rules.ts";

/** `[[site.route]]`. */
export interface RouteEntry extends ContentEntry, AdmissionEntry {
  readonly path: string;
  readonly upstream: string;
  readonly timeouts: { readonly connect: number; readonly send: number; readonly read: number };
  readonly response_headers: HeaderRulesEntry;
}

/** RFC 3986 §3.3: an absolute path, in the characters that may stand there unencoded or as %XX. */
const routePath = text('path = "/"', 1024).superRefine((value, context) => {
  if (/^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/.test(value)) return;
  context.addIssue(
    complaint(
      `${JSON.stringify(value)} is no path`,
      'write it with a leading "/" and without query, as in path = "/api"',
    ),
  );
});

const waitDefault = 60_000;
const wait = (key: string): z.ZodType<number> =>
  orElse(duration(10, 86_400_000, `${key} = "60s"`), waitDefault);

/** `[[site.route]]`. */
export const routeSchema: z.ZodType<RouteEntry> = table(
  {
    path: orElse(routePath, "/"),
    upstream: z.string({ error: wants("the name of an [[upstream]]", 'upstream = "apps"') }),
    timeouts: orElse(
      table(
        { connect: wait("connect"), send: wait("send"), read: wait("read") },
        'timeouts = { connect = "60s", send = "60s", read = "60s" }',
      ),
      { connect: waitDefault, send: waitDefault, read: waitDefault },
    ),
    response_headers: headerRules,
    ...contentKeys,
    ...admission,
  },
  "[[site.route]]",
);
