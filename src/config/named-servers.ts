import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { NamedServers, UpstreamServerConfig } from "./http-config.ts";
import type { FoundName, FoundServer } from "./lookup-plan.ts";

/** What names stand for, by the id of the lookup. */
export type Found = ReadonlyMap<string, readonly FoundServer[]>;

/** Puts what was found in order. */
export function foundByLookup(names: readonly FoundName[]): Found {
  return new Map(names.map(({ lookup, servers }) => [lookup, servers]));
}

/**
 * Gives the servers that names stand for, as if they had been written down; the director and the proxies work this out from
 * the same finding. One that is there already, in the file or by another name, is not there twice. PURE.
 */
export function serversByName(
  named: readonly NamedServers[],
  found: Found,
  written: readonly Endpoint[],
): readonly UpstreamServerConfig[] {
  const known = new Set(written.map(formatEndpoint));
  return named.flatMap((entry) => {
    const servers = found.get(entry.lookup.id) ?? [];
    const first = Math.min(...servers.map(({ srv }) => srv?.priority ?? 0));
    return servers.flatMap((server): readonly UpstreamServerConfig[] => {
      const made = serverOf(entry, server, first);
      const text = formatEndpoint(made);
      if (known.has(text)) return [];
      known.add(text);
      return [made];
    });
  });
}

/** RFC 2782: the lowest priority is tried first; a weight of 0 is a very small one, and not none. */
function serverOf(
  { checks, isBackup, isDrained, lookup, mostConnections, port, slowStartMs, weight }: NamedServers,
  { address, srv }: FoundServer,
  firstPriority: number,
): UpstreamServerConfig {
  return {
    address,
    port: srv?.port ?? port ?? 0,
    name: srv?.target ?? lookup.name,
    weight: srv === null ? weight : Math.max(1, srv.weight),
    isBackup: isBackup || (srv !== null && srv.priority > firstPriority),
    checks,
    vips: [],
    mostConnections,
    slowStartMs,
    isDrained,
  };
}
