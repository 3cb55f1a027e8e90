import type { UpstreamBalance } from "../config/upstream-policy.ts";
import type { RelayScheduler } from "../config/node-plan.ts";
import type { OpenCounts } from "./open-counts.ts";
import type { OpenElsewhere } from "./open-elsewhere.ts";
import type { Snapshot } from "./snapshot.ts";

const byLoad: ReadonlySet<UpstreamBalance | RelayScheduler> = new Set([
  "least-connections",
  "two-choices",
  "consistent-hash",
  "lc",
  "wlc",
  "sed",
  "nq",
  "ovf",
  "twos",
] as const);

interface Counted {
  readonly id: string;
  /** What this process has open there. */
  readonly own: number;
  readonly elsewhere: OpenElsewhere;
}

/** Gives the servers that are chosen by what they have open. */
function counted({ relays, upstreams }: Snapshot): readonly Counted[] {
  const ofUpstreams = [...upstreams.values()].filter(({ plan }) => byLoad.has(plan.balance));
  const ofRelays = [...relays.values()].filter(({ plan }) => byLoad.has(plan.scheduler));
  return [
    ...ofUpstreams.flatMap(({ servers }) =>
      servers.map(({ id, elsewhere, pool }) => ({ id, elsewhere, own: pool.inUse })),
    ),
    ...ofRelays.flatMap(({ servers }) =>
      servers.map(({ id, load }) => ({ id, elsewhere: load.elsewhere, own: load.activeConnections })),
    ),
  ];
}

/** Whether what other processes have open at servers matters to a plan. */
export function goesByOpen({ plan }: Pick<Snapshot, "plan">): boolean {
  return (
    plan.upstreams.some(({ balance }) => byLoad.has(balance)) ||
    plan.relays.some(({ scheduler }) => byLoad.has(scheduler))
  );
}

/** Has the other processes told what this one has open at its servers, and takes what they tell. */
export class OpenServers {
  private readonly counts: OpenCounts;
  /** What the count of a server is called, by its id: they are asked for ten times a second. */
  private names = new Map<string, string>();

  constructor(counts: OpenCounts) {
    this.counts = counts;
  }

  /** Looks at the servers of the plan in force. */
  exchange(snapshot: Snapshot, now: number): void {
    const { counts } = this;
    const { workers } = snapshot.plan;
    const servers = counted(snapshot);
    for (const { elsewhere, id, own } of servers) {
      const name = this.nameOf(id);
      counts.set(name, own);
      elsewhere.take(counts.othersCount(name, now), own, workers);
    }
    if (servers.length !== this.names.size) this.retain(new Set(servers.map(({ id }) => id)));
  }

  private nameOf(id: string): string {
    const known = this.names.get(id);
    if (known !== undefined) return known;
    const name = `server ${id}`;
    this.names.set(id, name);
    return name;
  }

  /** Of those that are in the plan no more nothing is told that nobody would take back. */
  private retain(ids: ReadonlySet<string>): void {
    for (const [id, name] of this.names) {
      if (ids.has(id)) continue;
      this.counts.set(name, 0);
      this.names.delete(id);
    }
  }
}
