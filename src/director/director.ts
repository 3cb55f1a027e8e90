import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { DirectorPlan } from "../config/node-plan.ts";
import type { IpvsServicePlan } from "../config/service-plan.ts";
import type { Prober } from "../health/prober.ts";
import type { ServiceStatus } from "../ipc/status.ts";
import type { IpvsService } from "../kernel/ipvs.ts";
import { formatKey } from "../kernel/ipvs-messages.ts";
import { applyStep, type IpvsChanges } from "./apply.ts";
import type { Journal } from "../kernel/journal.ts";
import { planSteps, stepText, type Step } from "./plan.ts";
import { openRefusal, stepRefusal } from "./refusal.ts";
import { serviceStatuses } from "./service-status.ts";
import { weighedServices } from "./weights.ts";
import { desiredTable, keyOf, needsSorry, type IsUp } from "./table.ts";

/** The kernel's table as the director uses it. */
export interface IpvsTable extends IpvsChanges {
  services(): readonly IpvsService[];
  close(): void;
}

/** What a director works with. */
export interface DirectorOptions {
  readonly log: Log;
  readonly prober: Pick<Prober, "configure" | "isUp" | "weightWord" | "close">;
  readonly journal: Pick<Journal, "entries" | "note">;
  /** Opens the kernel's table; throws `ENOENT` where the kernel has none. */
  readonly openIpvs: () => IpvsTable;
}

const nothing: DirectorPlan = { probes: [], services: [] };

/**
 * Keeps the kernel's table as the plan and the verdicts want it: reads it, takes the difference, applies that. Every
 * reason to look is the same to it: a verdict, a new plan, the regular look. Knows no timer.
 */
export class Director {
  readonly #options: DirectorOptions;
  #plan: DirectorPlan | null = null;
  #ipvs: IpvsTable | null = null;
  #lastFailure: string | null = null;
  /** Keys of services that were without a server when last looked at. */
  #deserted: ReadonlySet<string> = new Set();

  constructor(options: DirectorOptions) {
    this.#options = options;
  }

  /** Carries out a plan; the result says why not, and then the old one is still in force. */
  configure(plan: DirectorPlan): string | null {
    const { journal, prober } = this.#options;
    const old = this.#plan;
    const needsTable = plan.services.length > 0;
    if (needsTable || journal.entries.size > 0) {
      const refusal = this.#open();
      if (refusal !== null && needsTable) return refusal;
    }
    const standing = old === null ? this.#standingVerdicts(plan) : new Map<string, boolean>();
    const refusal = this.#reconcile(plan, (probe) => standing.get(probe) ?? prober.isUp(probe));
    if (refusal !== null) {
      this.#reconcile(old ?? nothing, (probe) => prober.isUp(probe));
      return refusal;
    }
    prober.configure(plan.probes, standing);
    this.#plan = plan;
    return null;
  }

  /** Brings the kernel's table to what is wanted now; a failure is logged once and tried again at the next call. */
  reconcile(): void {
    const { log, prober } = this.#options;
    if (this.#plan === null) return;
    const needsTable = this.#plan.services.length > 0;
    const failure =
      (needsTable ? this.#open() : null) ?? this.#reconcile(this.#plan, (probe) => prober.isUp(probe));
    if (failure !== this.#lastFailure) {
      if (failure === null) log.notice("the IPVS table is as it should be again");
      else log.error(`the IPVS table is not as it should be: ${failure}`);
    }
    this.#lastFailure = failure;
  }

  /** The planned services as the kernel has them. */
  status(): readonly ServiceStatus[] {
    const services = this.#plan?.services ?? [];
    return serviceStatuses(services, this.#read(), (probe) => this.#options.prober.isUp(probe));
  }

  /** Ends the checks and removes everything this node made. */
  stop(): void {
    const { log, prober } = this.#options;
    prober.close();
    const failure = this.#reconcile(nothing, () => true);
    if (failure !== null) log.error(`IPVS services stay behind: ${failure}`);
    this.#plan = null;
    this.#ipvs?.close();
    this.#ipvs = null;
  }

  #open(): string | null {
    if (this.#ipvs !== null) return null;
    try {
      this.#ipvs = this.#options.openIpvs();
      return null;
    } catch (error) {
      return openRefusal(error);
    }
  }

  /** Reads the table; after a failure the connection is made anew at the next look. */
  #read(): readonly IpvsService[] {
    try {
      return this.#ipvs?.services() ?? [];
    } catch (error) {
      this.#options.log.error(`the IPVS table cannot be read: ${errorText(error)}`);
      this.#ipvs?.close();
      this.#ipvs = null;
      return [];
    }
  }

  /** What the table of an earlier process says about servers: it knew who is down, and a restart forgets nothing. */
  #standingVerdicts(plan: DirectorPlan): Map<string, boolean> {
    const present = new Map(this.#read().map((service) => [formatKey(service.key), service]));
    const verdicts = new Map<string, boolean>();
    for (const service of plan.services) {
      const key = formatKey(keyOf(service));
      const entry = present.get(key);
      if (entry === undefined || !this.#options.journal.entries.has(key)) continue;
      for (const { address, port, probe } of service.servers) {
        if (probe === null) continue;
        const isThere = entry.servers.some((server) => server.address === address && server.port === port);
        verdicts.set(probe, isThere || verdicts.get(probe) === true);
      }
    }
    return verdicts;
  }

  #reconcile(plan: DirectorPlan, isUp: IsUp): string | null {
    const actual = this.#read();
    const ipvs = this.#ipvs;
    if (ipvs === null) return plan.services.length > 0 ? "the kernel's table cannot be read" : null;
    const desired = desiredTable(this.#weighed(plan), isUp);
    const keys = new Set(desired.map(({ key }) => formatKey(key)));
    const owned = this.#options.journal.entries.union(keys);
    this.#note(owned);
    const failure = this.#apply(ipvs, planSteps(desired, actual, owned));
    if (failure === null) this.#note(keys);
    this.#tellDeserted(this.#weighed(plan), isUp);
    return failure;
  }

  /** Applies all steps, also those after one that failed: one bad service does not hold up the others. */
  #apply(ipvs: IpvsTable, steps: readonly Step[]): string | null {
    let failure: string | null = null;
    for (const step of steps) {
      try {
        applyStep(ipvs, step);
        this.#options.log.info(stepText(step));
      } catch (error) {
        failure ??= `${stepText(step)}: ${stepRefusal(step, error)}`;
      }
    }
    return failure;
  }

  #note(services: ReadonlySet<string>): void {
    try {
      this.#options.journal.note(services);
    } catch (error) {
      const what =
        "the journal of IPVS services cannot be written, a restart after a crash will not know them";
      this.#options.log.warning(`${what}: ${errorText(error)}`);
    }
  }

  #weighed(plan: DirectorPlan): readonly IpvsServicePlan[] {
    return weighedServices(plan.services, (probe) => this.#options.prober.weightWord(probe));
  }

  #tellDeserted(services: readonly IpvsServicePlan[], isUp: IsUp): void {
    const { log } = this.#options;
    const deserted = services.filter((service) => needsSorry(service, isUp));
    const keys = new Set(deserted.map((service) => formatKey(keyOf(service))));
    for (const service of services) {
      const key = formatKey(keyOf(service));
      if (keys.has(key) === this.#deserted.has(key)) continue;
      const name = `service ${service.name} (${key})`;
      if (!keys.has(key)) log.notice(`${name} has a server again`);
      else if (service.sorry === null) log.error(`${name} has no server left: connections are refused`);
      else log.warning(`${name} has no server left: the sorry server takes over`);
    }
    this.#deserted = keys;
  }
}
