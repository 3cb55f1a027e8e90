import type { HeaderRulesPlan } from "./http-plan.ts";
import {
  joinHeaderRules,
  type ConditionsPlan,
  type ListenerPolicyPlan,
  type RoutingPlan,
  type SitePolicyPlan,
  type ValueConditionPlan,
  type ValueTestPlan,
} from "./routing-plan.ts";
import { accessPlan } from "./schema/access.ts";
import type { ConditionsEntry } from "./schema/conditions.ts";
import { fieldPairs, type HeaderRulesEntry } from "./schema/header-rules.ts";
import type { ListenerPolicyEntry } from "./schema/listener-policy.ts";
import { rewritePlan } from "./schema/rewrite.ts";
import type { RouteEntry } from "./schema/route.ts";
import type { SiteEntry } from "./schema/site.ts";

/** Makes what the proxies read of a listener's policy. */
export function listenerPolicyPlan(entry: ListenerPolicyEntry): ListenerPolicyPlan {
  return {
    trustedProxies: entry.trusted_proxies,
    forwarded: entry.forwarded,
    access: accessPlan(entry),
    requestHeaders: headerRulesPlan(entry.request_headers),
    responseHeaders: headerRulesPlan(entry.response_headers),
  };
}

/** Makes what the proxies read of a site's. */
export function sitePolicyPlan(site: SiteEntry): SitePolicyPlan {
  return { access: accessPlan(site), redirect: site.redirect };
}

/** Makes what the proxies read of how a route chooses and changes; what it does not say, its site does. */
export function routingPlan(route: RouteEntry, site: SiteEntry): RoutingPlan {
  return {
    pathKind: route.regex !== null ? "pattern" : route.exact !== null ? "exact" : "prefix",
    conditions: conditionsPlan(route),
    access: accessPlan(route) ?? accessPlan(site),
    redirect: route.redirect === false ? null : (route.redirect ?? site.redirect),
    respond: route.respond,
    rewrite: rewritePlan(route),
    requestHeaders: joinHeaderRules(
      headerRulesPlan(site.request_headers),
      headerRulesPlan(route.request_headers),
    ),
    cors: route.cors ?? site.cors,
  };
}

/** Gives the path of a route, in whatever way it is written. */
export function routePath({ exact, path, regex }: ConditionsEntry): string {
  return regex ?? exact ?? path ?? "/";
}

/** Makes the other conditions of a route. */
export function conditionsPlan(entry: ConditionsEntry): ConditionsPlan {
  return {
    methods: entry.methods,
    headers: values(entry.headers).map(({ is, name }) => ({ name: name.toLowerCase(), is })),
    query: values(entry.query),
    sources: entry.source,
  };
}

function values(tests: Readonly<Record<string, ValueTestPlan>>): readonly ValueConditionPlan[] {
  return Object.entries(tests).map(([name, is]) => ({ name, is }));
}

/** Makes what the proxies read of header rules. */
export function headerRulesPlan(entry: HeaderRulesEntry): HeaderRulesPlan {
  return { remove: entry.remove, set: fieldPairs(entry.set), add: fieldPairs(entry.add) };
}
