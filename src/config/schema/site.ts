import { z } from "zod";
import { canonicalAddress } from "../../base/address.ts";
import { accessLogSchema, type AccessLogEntry } from "./access-log.ts";
import { contentKeys, type ContentEntry } from "./content.ts";
import { admission, type AdmissionEntry } from "./admission.ts";
import type { CorsPlan, RedirectPlan } from "../routing-plan.ts";
import { access, type AccessEntry } from "./access.ts";
import { corsSchema } from "./cors.ts";
import { complaint, flag, names, orElse, orNull, size, table, wants } from "./fields.ts";
import { routeLimitsSchema, type RouteLimitsEntry } from "./head-limits.ts";
import { headerRules, requestHeaderRules, type HeaderRulesEntry } from "./header-rules.ts";
import { redirectSchema } from "./redirect.ts";
import { routeSchema, type RouteEntry } from "./route.ts";

/** `[[site]]`: host names and where their requests go. */
export interface SiteEntry extends AccessEntry, ContentEntry, AdmissionEntry {
  readonly hosts: readonly string[];
  readonly listeners: readonly string[];
  readonly access_log: AccessLogEntry | false | null;
  readonly request_id: boolean;
  readonly trace: boolean;
  readonly max_body: number;
  readonly limits: RouteLimitsEntry | null;
  readonly redirect: RedirectPlan | null;
  readonly request_headers: HeaderRulesEntry;
  readonly response_headers: HeaderRulesEntry;
  readonly cors: CorsPlan | null;
  readonly route: readonly RouteEntry[];
}

const hostsExample = 'hosts = ["shop.example", "*.shop.example"]';

const host = z
  .string({ error: wants("a host name in quotes", hostsExample) })
  .transform((value) => value.toLowerCase().replace(/(?<=.)\.$/, ""))
  .superRefine((value, context) => {
    const isIpv6 = /^\[.*:.*\]$/.test(value) && canonicalAddress(value.slice(1, -1)) !== null;
    const isName =
      /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/.test(value);
    if (value === "*" || isIpv6 || (isName && value.length <= 253)) return;
    const shown = JSON.stringify(value);
    const what = /:\d+$/.test(value)
      ? `${shown} has a port, which the listener decides`
      : `${shown} is no host name`;
    context.addIssue(complaint(what, `write ${hostsExample}, or "*" for everything else`));
  });

/** `[[site]]`. */
export const siteSchema: z.ZodType<SiteEntry> = table(
  {
    hosts: z
      .array(host, { error: wants("a list of host names", hostsExample) })
      .min(1, { error: complaint("is an empty list", `write ${hostsExample}`) }),
    listeners: names("listeners", 1),
    access_log: orNull(accessLogSchema),
    request_id: orElse(flag("request_id = true"), false),
    trace: orElse(flag("trace = true"), false),
    ...contentKeys,
    ...admission,
    max_body: orElse(size(1, 'max_body = "10m"'), 1024 ** 2),
    limits: routeLimitsSchema,
    ...access,
    redirect: orNull(redirectSchema),
    request_headers: requestHeaderRules,
    response_headers: headerRules,
    cors: orNull(corsSchema),
    route: orElse(z.array(routeSchema, { error: wants("a list of tables", "[[site.route]]") }), []),
  },
  "[[site]]",
);
