import type { PathKind } from "../config/routing-plan.ts";
import type { RequestView } from "./request-view.ts";

/** Routes of a site: `T` is whatever they lead to. */
export interface RouteList<T> {
  /** As `sortRoutes` orders them. */
  readonly routes: readonly RouteEntry<T>[];
}

/** A route behind its path. */
export interface RouteEntry<T> {
  readonly path: string;
  /** Tells whether a path is its own; null takes `path` as a prefix, on the border of a segment. */
  readonly takes: ((path: string) => boolean) | null;
  /** What else a request must have; null if the path is all. */
  readonly matches: ((view: RequestView) => boolean) | null;
  readonly to: T;
}

/** The sites of one listener by host name. */
export class HostTable<S extends { readonly hosts: readonly string[] }> {
  private readonly exact = new Map<string, S>();
  private readonly wildcards = new Map<string, S>();
  private catchAll: S | null = null;
  private first: S | null = null;

  /** Adds a site under all its host names, which are in lower case; the first of two with the same name wins. */
  add(site: S): void {
    this.first ??= site;
    for (const host of site.hosts) {
      if (host === "*") this.catchAll ??= site;
      else if (!host.startsWith("*.")) addOnce(this.exact, host, site);
      else addOnce(this.wildcards, host.slice(2), site);
    }
  }

  /** Gives the site of a host name in lower case: the name itself, then the longest wildcard, then `*`, else null. */
  find(hostName: string): S | null {
    const exact = this.exact.get(hostName);
    if (exact !== undefined) return exact;
    if (this.wildcards.size > 0) {
      for (let dot = hostName.indexOf("."); dot >= 0; dot = hostName.indexOf(".", dot + 1)) {
        const site = this.wildcards.get(hostName.slice(dot + 1));
        if (site !== undefined) return site;
      }
    }
    return this.catchAll;
  }

  /** Gives the site that answers for what belongs to none: `*`, else the first. */
  fallback(): S | null {
    return this.catchAll ?? this.first;
  }
}

function addOnce<S>(table: Map<string, S>, host: string, site: S): void {
  if (!table.has(host)) table.set(host, site);
}

/** What the order of a route depends on. */
export interface RouteOrder {
  readonly path: string;
  readonly kind: PathKind;
  /** How many things it asks for beside the path. */
  readonly conditions: number;
}

const kindOrder: Readonly<Record<PathKind, number>> = { exact: 0, pattern: 1, prefix: 2 };

/**
 * Puts routes in the order `findRoute` needs: exact paths, patterns in the order of the file, prefixes with the longest first; of
 * one path the route with the most conditions, else that which stands first in the file.
 */
export function sortRoutes<R>(routes: readonly R[], orderOf: (route: R) => RouteOrder): readonly R[] {
  const orders = routes.map(orderOf);
  // Of patterns the first in the file counts, however long it is; its own routes stay together.
  const rank = ({ kind, path }: RouteOrder): number =>
    kind === "pattern" ? orders.findIndex((one) => one.kind === kind && one.path === path) : -path.length;
  return routes
    .map((route, index) => {
      const order = orders[index] ?? orderOf(route);
      return { route, order, rank: rank(order) };
    })
    .sort(
      (a, b) =>
        kindOrder[a.order.kind] - kindOrder[b.order.kind] ||
        a.rank - b.rank ||
        b.order.conditions - a.order.conditions,
    )
    .map(({ route }) => route);
}

/** Gives where the first matching route leads, or null. A prefix without a final `/` ends on a segment border. */
export function findRoute<T>(site: RouteList<T>, path: string, view: RequestView): T | null {
  for (const route of site.routes) {
    const isItsPath = route.takes === null ? isBelow(path, route.path) : route.takes(path);
    if (isItsPath && (route.matches === null || route.matches(view))) return route.to;
  }
  return null;
}

/** Tells whether a path begins with a prefix, on the border of a segment. */
export function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return prefix.endsWith("/") || path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f;
}

const needsWork = /%|\/\/|\/\./;

/**
 * Gives the path that routes are matched against: without query, percent-decoded but for `%2F`, `//` as one slash, dot
 * segments resolved; so `/public/%2e%2e/admin` is matched as the `/admin` a server may take it for. Null if it climbs above the root or
 * a percent sign stands alone. What is forwarded stays as the client wrote it (RFC 9110 §7.7).
 */
export function matchingPath(target: string): string | null {
  const query = target.indexOf("?");
  const path = query < 0 ? target : target.substring(0, query);
  return needsWork.test(path) ? normalised(path) : path;
}

function normalised(path: string): string | null {
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return null;
  const decoded = path.replace(/%([0-9A-Fa-f]{2})/g, (whole, digits: string) => {
    const code = Number.parseInt(digits, 16);
    return code === 0x2f || code === 0 ? whole : String.fromCharCode(code);
  });
  const segments: string[] = [];
  const parts = decoded.split("/").slice(1);
  const last = parts.at(-1);
  for (const part of parts) {
    if (part === "" || part === ".") continue;
    if (part !== "..") segments.push(part);
    else if (segments.pop() === undefined) return null;
  }
  const isFolder = last === "" || last === "." || last === "..";
  return segments.length === 0 ? "/" : `/${segments.join("/")}${isFolder ? "/" : ""}`;
}
