import type { DrainedOpen } from "../ipc/standing.ts";
import type { ProxiedServerStatus, ProxiedStatus, ProxiedTraffic } from "../ipc/status.ts";

/** What several proxy processes say of the servers behind them, put together. PURE. */

/** Adds up connections to servers that were taken out; a server that a process has not told of, or for another time, is left out. */
export function drainedOpen(reports: readonly (readonly DrainedOpen[] | null)[]): readonly DrainedOpen[] {
  const [first, ...others] = reports;
  return (first ?? []).flatMap((one) => {
    const same = others.flatMap((report) =>
      (report ?? []).filter(({ server, since }) => server === one.server && since === one.since),
    );
    if (same.length < others.length) return [];
    return [{ ...one, open: same.reduce((sum, { open }) => sum + open, one.open) }];
  });
}

/** Adds up what passed to each server. */
export function trafficOfAll(
  reports: readonly Readonly<Record<string, ProxiedTraffic>>[],
): ReadonlyMap<string, ProxiedTraffic> {
  const sums = new Map<string, ProxiedTraffic>();
  for (const report of reports) {
    for (const [server, one] of Object.entries(report)) {
      const sum = sums.get(server);
      sums.set(server, sum === undefined ? one : added(sum, one));
    }
  }
  return sums;
}

/** Shows a group with what passed to its servers. */
export function withTraffic(
  group: ProxiedStatus,
  traffic: ReadonlyMap<string, ProxiedTraffic>,
): ProxiedStatus {
  const shown = (server: ProxiedServerStatus): ProxiedServerStatus => ({
    ...server,
    traffic: traffic.get(server.id) ?? null,
  });
  return { ...group, servers: group.servers.map(shown) };
}

function added(one: ProxiedTraffic, other: ProxiedTraffic): ProxiedTraffic {
  return {
    open: one.open + other.open,
    idle: one.idle + other.idle,
    total: one.total + other.total,
    failed: one.failed + other.failed,
    inBytes: one.inBytes + other.inBytes,
    outBytes: one.outBytes + other.outBytes,
    ejected: one.ejected ?? other.ejected,
  };
}
