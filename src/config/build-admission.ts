import type { AdmissionPlan, RateLimitPlan } from "./admission-plan.ts";
import type { RateLimitEntry } from "./schema/admission.ts";
import type { RouteEntry } from "./schema/route.ts";
import type { SiteEntry } from "./schema/site.ts";

/** Says whom a route lets in: what it says itself replaces what its site says. */
export function admissionPlan(site: SiteEntry, route: RouteEntry, index: number): AdmissionPlan {
  const [host = ""] = site.hosts;
  const id = route.rate_limit === null ? host : `${host} ${index}`;
  return {
    basicAuth: (route.basic_auth ?? site.basic_auth) || null,
    rateLimit: rateLimitPlan(id, (route.rate_limit ?? site.rate_limit) || null),
  };
}

function rateLimitPlan(id: string, entry: RateLimitEntry | null): RateLimitPlan | null {
  if (entry === null) return null;
  return { id, intervalMs: entry.rate, burst: entry.burst, delays: entry.delay, key: entry.key };
}
