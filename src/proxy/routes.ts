import type { RequestView } from "./request-view.ts";

/** Routes of a site: `T` is whatever they lead to. */
export interface RouteList<T> {
  /** The longest path first. */
  readonly routes: readonly RouteEntry<T>[];
}

/** A route behind its path. */
export interface RouteEntry<T> {
  readonly path: string;
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

/** Puts the longest path first, which is the order `findRoute` needs. */
export function sortRoutes<R extends { readonly path: string }>(routes: readonly R[]): readonly R[] {
  return [...routes].sort((a, b) => b.path.length - a.path.length);
}

/** Gives where the first matching route leads, or null. A prefix without a final `/` ends on a segment border. */
export function findRoute<T>(site: RouteList<T>, path: string, view: RequestView): T | null {
  for (const route of site.routes) {
    if (isBelow(path, route.path) && (route.matches === null || route.matches(view))) return route.to;
  }
  return null;
}

function isBelow(path: string, prefix: string): boolean {
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
