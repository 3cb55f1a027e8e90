import { z } from "zod";
import type { CorsPlan, RedirectPlan, RespondPlan } from "../routing-plan.ts";
import { accessLogSchema, type AccessLogEntry } from "./access-log.ts";
import { access, type AccessEntry } from "./access.ts";
import { conditions, type ConditionsEntry } from "./conditions.ts";
import { contentKeys, type ContentEntry } from "./content.ts";
import { admission, type AdmissionEntry } from "./admission.ts";
import { corsSchema } from "./cors.ts";
import { duration, orElse, orNull, size, table, wants } from "./fields.ts";
import { routeLimitsSchema, type RouteLimitsEntry } from "./head-limits.ts";
import { headerRules, requestHeaderRules, type HeaderRulesEntry } from "./header-rules.ts";
import { routeRedirectSchema } from "./redirect.ts";
import { respondSchema } from "./respond.ts";
import { routeRetriesSchema, type RouteRetriesEntry } from "./upstream-faults.ts";
import { rewriting, type RewriteEntry } from "./rewrite.ts";

/** `[[site.route]]`. */
export interface RouteEntry extends ConditionsEntry, AccessEntry, RewriteEntry, ContentEntry, AdmissionEntry {
  /** Null where an answer is given without a server. */
  readonly upstream: string | null;
  readonly access_log: AccessLogEntry | false | null;
  /** Null is what the upstream says. */
  readonly retries: RouteRetriesEntry | null;
  readonly timeouts: { readonly connect: number; readonly send: number; readonly read: number };
  readonly max_body: number | null;
  readonly limits: RouteLimitsEntry | null;
  readonly request_headers: HeaderRulesEntry;
  readonly response_headers: HeaderRulesEntry;
  readonly redirect: RedirectPlan | false | null;
  readonly respond: RespondPlan | null;
  readonly cors: CorsPlan | null;
}

const waitDefault = 60_000;
const wait = (key: string): z.ZodType<number> =>
  orElse(duration(10, 86_400_000, `${key} = "60s"`), waitDefault);

/** `[[site.route]]`. */
export const routeSchema: z.ZodType<RouteEntry> = table(
  {
    ...conditions,
    upstream: orNull(z.string({ error: wants("the name of an [[upstream]]", 'upstream = "apps"') })),
    timeouts: orElse(
      table(
        { connect: wait("connect"), send: wait("send"), read: wait("read") },
        'timeouts = { connect = "60s", send = "60s", read = "60s" }',
      ),
      { connect: waitDefault, send: waitDefault, read: waitDefault },
    ),
    max_body: orNull(size(1, 'max_body = "10m"')),
    limits: routeLimitsSchema,
    retries: orNull(routeRetriesSchema),
    ...access,
    ...rewriting,
    redirect: orNull(routeRedirectSchema),
    respond: orNull(respondSchema),
    request_headers: requestHeaderRules,
    response_headers: headerRules,
    access_log: orNull(accessLogSchema),
    ...contentKeys,
    ...admission,
    cors: orNull(corsSchema),
  },
  "[[site.route]]",
);
