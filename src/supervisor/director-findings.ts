import type { FoundName } from "../config/lookup-plan.ts";
import { foundByLookup } from "../config/named-servers.ts";
import type { DirectorPlan } from "../config/node-plan.ts";
import { withNamedServers } from "../config/plan-proxied.ts";
import type { Verdict } from "../ipc/messages.ts";
import type { ServerStanding } from "../ipc/standing.ts";

/** What `director` has found so far: a process that comes after it, or a proxy that starts, goes on from there. */
export class DirectorFindings {
  readonly #verdicts = new Map<string, Verdict>();
  readonly #names = new Map<string, FoundName>();
  #standings: ReadonlyMap<string, ServerStanding> = new Map();

  /** What it says of probes. */
  get verdicts(): readonly Verdict[] {
    return [...this.#verdicts.values()];
  }

  /** What names of servers stand for. */
  get names(): readonly FoundName[] {
    return [...this.#names.values()];
  }

  /** How servers behind the proxies stand. */
  get standings(): readonly ServerStanding[] {
    return [...this.#standings.values()];
  }

  /** Takes what has changed of probes. */
  heardVerdicts(verdicts: readonly Verdict[]): void {
    for (const verdict of verdicts) this.#verdicts.set(verdict.probe, verdict);
  }

  /** Takes what names stand for; one that is missing stands for what it did. */
  heardNames(names: readonly FoundName[]): void {
    for (const name of names) this.#names.set(name.lookup, name);
  }

  /** Takes how servers stand: all of them, or those for which that has changed. */
  heardStandings(standings: readonly ServerStanding[], isWhole: boolean): void {
    const news = new Map(standings.map((standing) => [standing.server, standing]));
    this.#standings = isWhole ? news : new Map([...this.#standings, ...news]);
  }

  /** Forgets names and probes that a plan in force has no more. */
  keep(plan: DirectorPlan): void {
    const lookups = new Set(plan.lookups.map(({ id }) => id));
    for (const id of this.#names.keys()) if (!lookups.has(id)) this.#names.delete(id);
    const { probes, probeSets } = withNamedServers(plan, foundByLookup(this.names));
    const known = new Set([...probes, ...probeSets].map(({ id }) => id));
    for (const probe of this.#verdicts.keys()) if (!known.has(probe)) this.#verdicts.delete(probe);
  }
}
