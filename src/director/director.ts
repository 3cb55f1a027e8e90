import { later } from "../base/instant.ts";
import { type DirectorPlan, noDirectorPlan } from "../config/node-plan.ts";
import type { IpvsServerPlan, IpvsServicePlan } from "../config/service-plan.ts";
import { ProbeSets, setVerdict } from "../health/probe-sets.ts";
import type { Prober } from "../health/prober.ts";
import type { DrainOrder, DrainReport } from "../ipc/drain.ts";
import type { DrainedOpen, ServerStanding } from "../ipc/standing.ts";
import type { ProxiedStatus, ServiceStatus } from "../ipc/status.ts";
import type { IpvsService } from "../kernel/ipvs.ts";
import { failureOf, tellSteps } from "./apply.ts";
import { Availability, type AvailabilityOptions } from "./availability.ts";
import { type BalancedService, everythingIn, serverId, serviceId, serviceTitle } from "./balanced-service.ts";
import { standingOf, type IsUp, type ServiceStanding } from "./moment.ts";
import { advanced, longestAtOnce, sliceMs, type Filling } from "./filling.ts";
import { keysOf, OwnServices, type OwnServicesOptions } from "./own-services.ts";
import { ProxiedServices } from "./proxied-services.ts";
import { proxiedStatuses } from "./proxied-status.ts";
import type { BalancedBy } from "./service-notices.ts";
import { serviceStatuses } from "./service-status.ts";
import type { QuorumChange } from "./quorum.ts";
import { standingVerdicts } from "./standing-verdicts.ts";
import { desiredService } from "./table.ts";
import { weighedServices } from "./weights.ts";

/** What a director works with. */
export interface DirectorOptions extends OwnServicesOptions {
  readonly clock: AvailabilityOptions["clock"];
  readonly prober: Pick<Prober, "configure" | "verdict" | "weightWord" | "close">;
  /** What the operator has taken out, kept over restarts. */
  readonly book: AvailabilityOptions["book"];
  /** Runs what is to be run when a service gains or loses its quorum. */
  readonly tell: (change: QuorumChange) => void;
  /** Called after each look with the services in force, and how they stand, in the same order; with none if that is not known. */
  readonly onStandings: (
    by: BalancedBy,
    services: readonly BalancedService[],
    standings: readonly ServiceStanding[],
  ) => void;
  /** Tells the proxies how their servers stand. */
  readonly stand: (standings: readonly ServerStanding[], isWhole: boolean) => void;
  /** Called between the pieces of work that is long with a large plan; those of the kernel say so themselves. */
  readonly onProgress: () => void;
}

/** What came of bringing the table to a plan. */
interface Brought {
  /** Of the plan's services, in its order; empty without a table. */
  readonly standings: readonly ServiceStanding<IpvsServerPlan>[];
  readonly failure: string | null;
}

/**
 * Keeps the kernel's table as the plan and the verdicts want it: reads it, takes the difference, applies that; and tells
 * the proxies how their servers stand. Every
 * reason to look is the same to it: a verdict, a new plan, the regular look. Knows no timer.
 */
export class Director {
  readonly #options: DirectorOptions;
  #plan: DirectorPlan | null = null;
  #lastFailure: string | null = null;
  #filling: Filling<Brought["standings"]> | null = null;
  readonly #table: OwnServices;
  readonly #availability: Availability;
  readonly #proxied: ProxiedServices;

  constructor(options: DirectorOptions) {
    this.#options = options;
    this.#table = new OwnServices(options);
    this.#availability = new Availability(options);
    this.#proxied = new ProxiedServices(options.stand);
  }

  /**
   * Carries out a plan; the result says why not, and then the old one is still in force. `verdicts` is what an earlier
   * process has found. After a long first plan the rest of it is up to `fill`, as `isFilling` tells.
   */
  configure(plan: DirectorPlan, verdicts: ReadonlyMap<string, boolean> = new Map()): string | null {
    const { onProgress } = this.#options;
    while (this.#filling !== null) this.fill();
    const old = this.#plan;
    const refusal = this.#openFor(plan);
    if (refusal !== null) return refusal;
    const actual = this.#table.services();
    this.#table.noteFound(old === null ? actual : null);
    const standing = new Map(old === null ? [...this.#standingVerdicts(plan, actual), ...verdicts] : []);
    const isUp = this.#verdictsUnder(plan, standing);
    // What has happened under the old plan is known before servers are weighed under the new one.
    if (old !== null) this.#observe(old, actual, isUp);
    const { standings, failure } = this.#bring(plan, actual, isUp, old === null ? longestAtOnce : Infinity);
    if (failure !== null) {
      if (old === null) this.#table.putBack();
      else this.#bring(old, this.#table.services(), isUp);
      return failure;
    }
    onProgress();
    this.#tellEnds(old ?? noDirectorPlan, plan);
    this.#adopt(plan, standing);
    onProgress();
    this.#observe(plan, actual, isUp);
    this.#standProxied(plan, isUp);
    // Whoever is told that a service is there is to find it.
    if (this.#filling === null) this.#noteStandings(plan.services, standings);
    this.#tellQuorums();
    return null;
  }

  /** Opens the table if it has something to do with a plan, or with what is left of others; the result says why a plan has none. */
  #openFor({ services }: DirectorPlan): string | null {
    const needsTable = services.length > 0;
    if (!needsTable && this.#table.owned.size === 0) return null;
    const refusal = this.#table.open();
    return needsTable ? refusal : null;
  }

  /** Gives what is known of the probes of a plan that is not in force yet. */
  #verdictsUnder({ probeSets }: DirectorPlan, standing: ReadonlyMap<string, boolean>): IsUp {
    const { prober } = this.#options;
    const sets = new ProbeSets(probeSets);
    return (probe) => {
      const known = standing.get(probe) ?? prober.verdict(probe);
      const set = known === null ? sets.get(probe) : null;
      // A set that is new may be made of probes that are not.
      return set === null ? known : setVerdict(set, (member) => prober.verdict(member));
    };
  }

  /** Puts a plan in force for the checks, and for what is remembered of services. */
  #adopt(plan: DirectorPlan, standing: ReadonlyMap<string, boolean>): void {
    this.#options.prober.configure(plan.probes, standing, plan.probeSets);
    this.#plan = plan;
    this.#availability.keep(everythingIn(plan));
  }

  /** Whether a first plan is being carried out still. */
  get isFilling(): boolean {
    return this.#filling !== null;
  }

  /** Takes the plan in force with other servers behind names, which the kernel's table has none of. */
  takeNamed(plan: DirectorPlan): void {
    const { prober } = this.#options;
    const old = this.#plan;
    if (old === null) return;
    this.#adopt(plan, new Map());
    for (const [index, group] of plan.proxied.entries()) {
      const before = new Set(old.proxied[index]?.servers.map((server) => serverId(group, server)));
      for (const server of group.servers)
        if (!before.has(serverId(group, server))) this.#availability.welcome(group, server);
    }
    this.#standProxied(plan, (probe) => prober.verdict(probe));
    this.#tellQuorums();
  }

  /** Carries out some more of a first plan; after the last of it the result says why it could not be, as `configure` does. */
  fill(): string | null {
    if (this.#filling === null) return null;
    if (!this.#table.isOpen) {
      // The table could not be read meanwhile; the next look begins anew.
      this.#filling = null;
      return null;
    }
    const { clock } = this.#options;
    const end = later(clock.now(), sliceMs);
    const batches = this.#table.applyUntil(() => clock.now() >= end, this.#filling.left);
    const filling = advanced(this.#filling, batches);
    this.#filling = filling.left.length > 0 ? filling : null;
    return this.#filling === null ? this.#filled(filling) : null;
  }

  #filled(filling: Filling<Brought["standings"]>): string | null {
    tellSteps(this.#options.log, filling.done);
    const failure = failureOf(filling);
    if (failure !== null) {
      this.#options.prober.configure([]);
      this.#plan = null;
      this.#table.putBack();
      return failure;
    }
    this.#table.note(filling.keys);
    this.#noteStandings(filling.services, filling.standings);
    this.#tellQuorums();
    if (filling.isLookDue) this.reconcile();
    return null;
  }

  /** Brings the kernel's table to what is wanted now; a failure is logged once and tried again at the next call. */
  reconcile(): void {
    const { log, prober } = this.#options;
    if (this.#plan === null) return;
    if (this.#filling !== null) {
      this.#filling = { ...this.#filling, isLookDue: true };
      // What is long in the kernel does not hold the proxies up.
      this.#standProxied(this.#plan, (probe) => prober.verdict(probe));
      return;
    }
    const refusal = this.#openFor(this.#plan);
    const failure = this.#look(this.#plan, (probe) => prober.verdict(probe), refusal);
    this.#tellQuorums();
    if (failure !== this.#lastFailure) {
      if (failure === null) log.notice("the IPVS table is as it should be again");
      else log.error(`the IPVS table is not as it should be: ${failure}`);
    }
    this.#lastFailure = failure;
  }

  /** Whether a look at the table is due each second: for a server that starts slowly, is drained, or kept out. */
  get isWaiting(): boolean {
    return this.#availability.isWaiting;
  }

  /** Takes servers out of their services, or puts them back. */
  drain(order: DrainOrder): DrainReport {
    const report = this.#availability.order(order, everythingIn(this.#plan ?? noDirectorPlan));
    if (report.refusal === null) this.reconcile();
    return report;
  }

  /** Takes how many connections the proxies have to servers that were taken out. */
  heardOpen(open: readonly DrainedOpen[]): void {
    this.#proxied.heard(open);
    if (this.isWaiting) this.reconcile();
  }

  /** How what the proxies balance stands, without what they alone know. */
  proxiedStatus(): readonly ProxiedStatus[] {
    const isUp: IsUp = (probe) => this.#options.prober.verdict(probe);
    return proxiedStatuses(this.#weighed((this.#plan ?? noDirectorPlan).proxied), isUp, this.#availability);
  }

  /** The planned services as the kernel has them, and those of others. */
  status(): readonly ServiceStatus[] {
    const isUp: IsUp = (probe) => this.#options.prober.verdict(probe);
    const actual = this.#table.countedServices();
    const plan = this.#plan ?? noDirectorPlan;
    const shown = { services: this.#weighed(plan.services), marks: plan.marks };
    return serviceStatuses(shown, actual, isUp, this.#availability);
  }

  /** Ends the checks and removes everything this node made. */
  stop(): void {
    const { log, prober } = this.#options;
    this.#filling = null;
    prober.close();
    this.#tellEnds(this.#plan ?? noDirectorPlan, noDirectorPlan);
    // What an earlier process has left is this node's before a plan, too.
    if (this.#table.owned.size > 0) this.#table.open();
    const { failure } = this.#bring(noDirectorPlan, this.#table.services(), () => true);
    if (failure !== null) log.error(`IPVS services stay behind: ${failure}`);
    this.#plan = null;
    this.#table.close();
  }

  /**
   * Ends the checks after a start that has failed, and leaves the table as it was found; gives how many services of an
   * earlier process that are. Without any it does nothing: then it is to be stopped.
   */
  leave(): number {
    // It may have been stopped, or refused by something else, before it has looked.
    if (this.#plan === null && this.#filling === null) this.#table.find();
    const left = this.#table.foundCount;
    if (left === 0) return 0;
    this.#filling = null;
    this.#options.prober.close();
    this.#plan = null;
    this.#table.putBack();
    this.#table.close();
    return left;
  }

  #standingVerdicts(plan: DirectorPlan, actual: readonly IpvsService[]): Map<string, boolean> {
    return standingVerdicts(plan.services, {
      actual,
      owned: this.#table.owned,
      drainOf: (service, server) => this.#availability.drainOf(service, server),
    });
  }

  /** Looks at the plan in force: notes what has happened, and brings the table to what follows from it. */
  #look(plan: DirectorPlan, isUp: IsUp, refusal: string | null): string | null {
    const actual = this.#table.services();
    this.#observe(plan, actual, isUp);
    // Before the table: what takes longer there does not hold the proxies up.
    this.#standProxied(plan, isUp);
    if (refusal !== null) return refusal;
    const { standings, failure } = this.#bring(plan, actual, isUp);
    this.#noteStandings(plan.services, standings);
    return failure;
  }

  #noteStandings(services: readonly IpvsServicePlan[], standings: Brought["standings"]): void {
    this.#availability.noteQuorums(services, standings);
    this.#options.onStandings("kernel", services, standings);
  }

  #observe(plan: DirectorPlan, actual: readonly IpvsService[], isUp: IsUp): void {
    const occupancy = {
      table: this.#table.isOpen ? actual : null,
      behindProxies: (server: string, since: string) => this.#proxied.openTo(server, since),
    };
    this.#availability.observe(everythingIn(plan), occupancy, isUp);
  }

  /** Tells the proxies of the plan in force how their servers stand. */
  #standProxied({ proxied }: DirectorPlan, isUp: IsUp): void {
    const services = this.#weighed(proxied);
    const standings = this.#standings(services, isUp);
    this.#availability.noteQuorums(services, standings);
    this.#options.onStandings("proxies", services, standings);
    this.#proxied.stand(services, standings, this.#options.book.drains);
  }

  /**
   * Brings the table from what was read to what a plan asks for, and says how its services stand then. What goes beyond
   * `most` steps is left to `fill`.
   */
  #bring(plan: DirectorPlan, actual: readonly IpvsService[], isUp: IsUp, most = Infinity): Brought {
    if (!this.#table.isOpen) {
      return {
        standings: [],
        failure: plan.services.length > 0 ? "the kernel's table cannot be read" : null,
      };
    }
    const { onProgress } = this.#options;
    const services = this.#weighed(plan.services);
    const standings = this.#standings(services, isUp);
    const desired = services.flatMap((service, index) => {
      const standing = standings[index];
      return standing === undefined ? [] : [desiredService(service, standing)];
    });
    const keys = keysOf(desired);
    onProgress();
    const steps = this.#table.steps(desired, actual);
    onProgress();
    if (steps.length > most) {
      const { services: planned } = plan;
      const start = { done: [], refused: null, isLookDue: false };
      this.#filling = { ...start, left: steps, services: planned, standings, keys };
      return { standings, failure: null };
    }
    const applied = this.#table.apply(steps);
    tellSteps(this.#options.log, applied.done);
    const failure = failureOf(applied);
    if (failure === null) this.#table.note(keys);
    return { standings, failure };
  }

  #weighed<Service extends BalancedService>(services: readonly Service[]): readonly Service[] {
    return weighedServices(services, (probe) => this.#options.prober.weightWord(probe));
  }

  #standings<Service extends BalancedService>(
    services: readonly Service[],
    isUp: IsUp,
  ): readonly ServiceStanding<Service["servers"][number]>[] {
    return services.map((service) => {
      this.#options.onProgress();
      return standingOf(service, isUp, this.#availability);
    });
  }

  /** Tells of the services that end with a plan, as the next one has them no more. */
  #tellEnds(plan: DirectorPlan, next: DirectorPlan): void {
    const going = everythingIn(plan).filter(
      (service) => service.quorum.endsOnStop && this.#availability.hadQuorum(service),
    );
    if (going.length === 0) return;
    const kept = new Set(everythingIn(next).map((service) => serviceId(service)));
    for (const service of going) {
      if (!kept.has(serviceId(service)))
        this.#options.tell({ service, hasQuorum: false, liveWeight: 0, isFirst: false });
    }
  }

  #tellQuorums(): void {
    for (const change of this.#availability.takeQuorumChanges()) {
      this.#logQuorum(change);
      this.#options.tell(change);
    }
  }

  #logQuorum({ service, hasQuorum, liveWeight, isFirst }: QuorumChange): void {
    const { log } = this.#options;
    const name = serviceTitle(service);
    const { weight } = service.quorum;
    if (hasQuorum) {
      if (!isFirst) log.notice(`${name} ${weight === 1 ? "has a server again" : "has its quorum again"}`);
      return;
    }
    const what =
      liveWeight === 0
        ? `${name} has no server left`
        : `${name} has lost its quorum: a weight of ${liveWeight} is up, and ${weight} is wanted`;
    const isSorryThere =
      service.sorry !== null && this.#availability.drainOf(service, service.sorry) === null;
    if (isSorryThere) log.warning(`${what}: the sorry server takes over`);
    else log.error(liveWeight === 0 ? `${what}: connections are refused` : what);
  }
}
