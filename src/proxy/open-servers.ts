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
  private names: ReadonlySet<string> = new Set();

  constructor(counts: OpenCounts) {
    this.counts = counts;
  }

  /** Looks at the servers of the plan in force. */
  exchange(snapshot: Snapshot, now: number): void {
    const { counts } = this;
    const { workers } = snapshot.plan;
    const names = new Set<string>();
    for (const { elsewhere, id, own } of counted(snapshot)) {
      const name = `server ${id}`;
      names.add(name);
      counts.set(name, own);
      elsewhere.take(counts.othersCount(name, now), own, workers);
    }
    // Of those that are in the plan no more nothing is told that nobody would take back.
    for (const name of this.names) if (!names.has(name)) counts.set(name, 0);
    this.names = names;
  }
}
