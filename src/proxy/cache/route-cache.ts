import type { CachePlan } from "../../config/content-plan.ts";
import type { DiskCache } from "./disk/disk-cache.ts";
import type { CacheStore } from "./cache-store.ts";
import type { Flights } from "./flights.ts";
import type { StoredResponse } from "./stored-response.ts";

/** What the routes of a process share. */
export interface SharedCache {
  readonly store: CacheStore;
  readonly flights: Flights;
  /** Gives the cache on disk in a folder. */
  disk(path: string): DiskCache;
  /** Forgets URLs that have changed, here and in the other processes (RFC 9111 §4.4). */
  changed(url: string): void;
}

/** What a 304 has made fresh for a shorter time is written to no disk again: its validators are there. */
const rewrittenMs = 10_000;

/** The cache as a route uses it. */
export class RouteCache {
  readonly store: CacheStore;
  readonly flights: Flights;
  readonly changed: (url: string) => void;
  readonly plan: CachePlan;
  readonly upstream: string;
  /** Null keeps answers in memory only. */
  readonly disk: DiskCache | null;

  constructor(shared: SharedCache, plan: CachePlan, upstream: string) {
    this.store = shared.store;
    this.flights = shared.flights;
    this.changed = (url) => shared.changed(url);
    this.plan = plan;
    this.upstream = upstream;
    this.disk = plan.disk === null ? null : shared.disk(plan.disk.path);
  }

  /** Keeps an answer in place of the one before it. */
  keep(entry: StoredResponse): void {
    this.store.put(entry);
    this.disk?.write(entry);
  }

  /** Keeps an answer that the server has said is unchanged. */
  keepUnchanged(entry: StoredResponse): void {
    this.store.put(entry);
    if (entry.lifetime.freshMs >= rewrittenMs) this.disk?.write(entry);
  }

  /** Gives an answer for those who wait for it: null if it was purged while it came, for they may have asked after that. */
  handed(entry: StoredResponse): StoredResponse | null {
    return this.store.marks.covers(entry.url, entry.askedAt) ? null : entry;
  }

  /** Forgets an answer that is no longer right. */
  forget(entry: StoredResponse): void {
    this.store.remove(entry);
    this.disk?.removeUrl(entry.url);
  }
}
