import type { AdmissionPlan, ConnectionLimitPlan, RateLimitPlan } from "./admission-plan.ts";
import type { ConnectionLimitEntry, RateLimitEntry } from "./schema/admission.ts";
import type { RouteEntry } from "./schema/route.ts";
import type { SiteEntry } from "./schema/site.ts";

/** Says whom a route lets in: what it says itself replaces what its site says. */
export function admissionPlan(site: SiteEntry, route: RouteEntry, index: number): AdmissionPlan {
  const [host = ""] = site.hosts;
  // Limits of the site count all its routes together.
  const idOf = (own: unknown): string => (own === null ? host : `${host} ${index}`);
  return {
    basicAuth: (route.basic_auth ?? site.basic_auth) || null,
    rateLimit: rateLimitPlan(idOf(route.rate_limit), (route.rate_limit ?? site.rate_limit) || null),
    connectionLimit: connectionLimitPlan(
      idOf(route.connection_limit),
      (route.connection_limit ?? site.connection_limit) || null,
    ),
  };
}

function rateLimitPlan(id: string, entry: RateLimitEntry | null): RateLimitPlan | null {
  if (entry === null) return null;
  return { id, intervalMs: entry.rate, burst: entry.burst, delays: entry.delay, key: entry.key };
}

function connectionLimitPlan(id: string, entry: ConnectionLimitEntry | null): ConnectionLimitPlan | null {
  return entry === null ? null : { id, ...entry };
}
