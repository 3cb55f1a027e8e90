import type { SystemError } from "../../src/base/system-error.ts";
import { type DirectorPlan, noDirectorPlan } from "../../src/config/node-plan.ts";
import type { IpvsServicePlan } from "../../src/config/service-plan.ts";
import type { WeightWord } from "../../src/config/weight-word.ts";
import { Director } from "../../src/director/director.ts";
import type { Drain } from "../../src/director/drains.ts";
import { ServiceNotices } from "../../src/director/service-notices.ts";
import type { ServerStanding } from "../../src/ipc/standing.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeIpvs } from "./fake-ipvs.ts";
import { recordingLog } from "./recording-log.ts";

/** The key of the service that `plannedService` gives. */
export const key = "tcp 10.99.0.101:80";

/** A director, and everything that it works with. */
export interface DirectorLab {
  readonly director: Director;
  readonly kernel: FakeIpvs;
  readonly down: Set<string>;
  /** Probes without a result. */
  readonly unchecked: Set<string>;
  readonly said: string[];
  readonly journal: { entries: ReadonlySet<string> };
  /** What checks say about weights. */
  readonly words: Map<string, WeightWord>;
  readonly standing: Map<string, boolean>;
  readonly clock: FakeClock;
  readonly book: { drains: readonly Drain[] };
  readonly told: string[];
  /** What those of `[notify]` hear, a line each. */
  readonly noticed: string[];
  /** What the proxies were told of their servers. */
  readonly stood: { readonly isWhole: boolean; readonly standings: readonly ServerStanding[] }[];
}

/** A director before a kernel that holds `kernel`, with a journal that says what of it is owned. */
export function directorLab(
  o: {
    kernel?: FakeIpvs;
    owned?: readonly string[];
    openError?: SystemError;
    drains?: readonly Drain[];
  } = {},
): DirectorLab {
  const kernel = o.kernel ?? new FakeIpvs();
  const down = new Set<string>();
  const unchecked = new Set<string>();
  const { log, said } = recordingLog();
  const standing = new Map<string, boolean>();
  const words = new Map<string, WeightWord>();
  const journal = {
    entries: new Set(o.owned) as ReadonlySet<string>,
    note(entries: ReadonlySet<string>) {
      this.entries = entries;
    },
  };
  const clock = new FakeClock();
  const told: string[] = [];
  const noticed: string[] = [];
  const notices = new ServiceNotices();
  const stood: DirectorLab["stood"] = [];
  const book = {
    drains: o.drains ?? ([] as readonly Drain[]),
    note(drains: readonly Drain[]) {
      this.drains = drains;
    },
  };
  const prober = {
    configure: (_probes: unknown, verdicts: ReadonlyMap<string, boolean> = new Map()) => {
      for (const [probe, isUp] of verdicts) standing.set(probe, isUp);
    },
    verdict: (probe: string) => standing.get(probe) ?? (unchecked.has(probe) ? null : !down.has(probe)),
    weightWord: (probe: string) => words.get(probe) ?? null,
    close: () => undefined,
  };
  const openIpvs = (): FakeIpvs => {
    if (o.openError !== undefined) throw o.openError;
    return kernel;
  };
  return {
    director: new Director({
      clock,
      log,
      prober,
      journal,
      book,
      openIpvs,
      stand: (standings, isWhole) => stood.push({ isWhole, standings }),
      onProgress: () => undefined,
      tell: ({ service, hasQuorum }) => told.push(`${service.name} ${hasQuorum ? "up" : "down"}`),
      onStandings: (...look) => {
        noticed.push(...notices.look(...look).map(({ words }) => words.join(" ")));
      },
    }),
    clock,
    book,
    told,
    noticed,
    stood,
    kernel,
    down,
    unchecked,
    said,
    journal,
    standing,
    words,
  };
}

/** A plan of nothing but services. */
export function plan(...services: readonly IpvsServicePlan[]): DirectorPlan {
  return {
    ...noDirectorPlan,
    services,
  };
}

/** The servers of the first service with their weights, sorted. */
export function weights(kernel: FakeIpvs): readonly string[] {
  return (kernel.services()[0]?.servers ?? []).map(({ address, weight }) => `${address} ${weight}`).sort();
}
