import type { CachePlan } from "../../config/content-plan.ts";
import type { CacheStore } from "./cache-store.ts";
import type { Flights } from "./flights.ts";

/** What the routes of a process share. */
export interface SharedCache {
  readonly store: CacheStore;
  readonly flights: Flights;
  /** Tells the other processes of URLs that have changed (RFC 9111 §4.4). */
  readonly tellChanged: (url: string) => void;
}

/** The cache as a route uses it. */
export interface RouteCache extends SharedCache {
  readonly plan: CachePlan;
  readonly upstream: string;
}
