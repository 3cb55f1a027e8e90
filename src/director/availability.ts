import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import { counted } from "../config/describe-plan.ts";
import type { DrainOrder, DrainOutcome, DrainReport } from "../ipc/drain.ts";
import {
  concerns,
  formatDrainTarget,
  isSameTarget,
  parseDrainTarget,
  type DrainTarget,
} from "../ipc/drain-target.ts";
import {
  type BalancedServer,
  type BalancedService,
  hasServer,
  serverId,
  serviceId,
} from "./balanced-service.ts";
import type { DrainBook } from "./drain-book.ts";
import type { Drain } from "./drains.ts";
import {
  isDrainedByFile,
  type Circumstances,
  type DrainState,
  type IsUp,
  type ServiceStanding,
} from "./moment.ts";
import { remainsOf, type Occupancy } from "./occupancy.ts";
import { Quorums, type QuorumChange } from "./quorum.ts";
import { Returns } from "./returns.ts";

/** The last time of day that can be written (ECMA-262 §21.4.1.1), for a drain without an end. */
const latestTime = 8.64e15;

/** What availability is kept with. */
export interface AvailabilityOptions {
  readonly clock: Pick<Clock, "now" | "wallTime">;
  readonly log: Log;
  readonly book: Pick<DrainBook, "drains" | "note">;
}

/**
 * Everything about servers that outlasts one look at the table: who was taken out by the operator, who has just come
 * back or comes and goes, and which services have their quorum. What is asked of it as circumstances changes nothing: only
 * what is in force is observed.
 */
export class Availability implements Circumstances {
  readonly #options: AvailabilityOptions;
  #services: readonly BalancedService[] = [];
  readonly #returns = new Returns();
  readonly #quorums = new Quorums();

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  /** Notes the verdicts on the servers in force, what time has ended, and how far drains are by what is open. */
  observe(services: readonly BalancedService[], occupancy: Occupancy, isUp: IsUp): void {
    const { clock, log } = this.#options;
    const now = clock.now();
    for (const service of services) {
      const { damping } = service;
      for (const server of service.servers) {
        if (!isRemembered(service, server)) continue;
        const verdict = server.probe === null ? null : isUp(server.probe);
        const id = serverId(service, server);
        if (verdict !== null && this.#returns.note(id, verdict, now, damping))
          log.warning(`${id} fails too often: it is kept out for a while`);
        this.#returns.settle(id, now, { isDamped: damping !== null, slowStartMs: server.slowStartMs });
      }
    }
    this.#advanceDrains(services, occupancy);
  }

  /** Takes a server that comes into a service which runs: it starts as slowly as one that comes back. */
  welcome(service: BalancedService, server: BalancedServer): void {
    if (server.slowStartMs === 0) return;
    const [id, now] = [serverId(service, server), this.#options.clock.now()];
    // One that is checked comes back when its check says so.
    if (server.probe === null) this.#returns.noteReturn(id, now);
    else this.#returns.note(id, false, now, null);
  }

  /** Notes which services in force have their quorum by the weights that are up, in the same order. */
  noteQuorums(services: readonly BalancedService[], standings: readonly ServiceStanding[]): void {
    for (const [index, service] of services.entries()) {
      const standing = standings[index];
      if (standing !== undefined) this.#quorums.note(serviceId(service), service, standing.liveWeight);
    }
  }

  /** Forgets what a plan that is in force from now on has no more. */
  keep(services: readonly BalancedService[]): void {
    this.#tellOfMissing(services);
    this.#services = services;
    this.#quorums.keep(new Set(services.map((service) => serviceId(service))));
    this.#returns.keep(
      new Set(
        services.flatMap((service) =>
          service.servers
            .filter((server) => isRemembered(service, server))
            .map((server) => serverId(service, server)),
        ),
      ),
    );
  }

  /** A server that was taken out and comes back under another name is one like any other: the operator should know. */
  #tellOfMissing(services: readonly BalancedService[]): void {
    const { book, log } = this.#options;
    for (const drain of book.drains) {
      if (!hasServer(this.#services, drain) || hasServer(services, drain)) continue;
      const what = `${formatDrainTarget(drain)} is drained, and no server here any more`;
      log.notice(`${what}: it is taken out again should it come back under this name`);
    }
  }

  /** Whether time alone, or the end of a connection, will change something. */
  get isWaiting(): boolean {
    const isDraining = this.#options.book.drains.some(({ state }) => state === "draining");
    return isDraining || this.#returns.isWaiting;
  }

  /** Gives the services that gained or lost their quorum since the last call. */
  takeQuorumChanges(): readonly QuorumChange[] {
    return this.#quorums.takeChanges();
  }

  /** Whether a service had its quorum when that was last noted. */
  hadQuorum(service: BalancedService): boolean {
    return this.#quorums.standing(serviceId(service)) === true;
  }

  mayConcern({ damping }: BalancedService): boolean {
    return damping !== null || this.#options.book.drains.length > 0;
  }

  drainOf(service: BalancedService, server: Endpoint): DrainState | null {
    return this.#options.book.drains.find((drain) => concerns(drain, service, server))?.state ?? null;
  }

  /** How many connections were open when the server was taken out. */
  cutOf(service: BalancedService, server: Endpoint): number {
    return this.#options.book.drains.find((drain) => concerns(drain, service, server))?.cut ?? 0;
  }

  isHeldOut(service: BalancedService, server: BalancedServer): boolean {
    if (service.damping === null) return false;
    return this.#returns.isHeldOut(serverId(service, server), this.#options.clock.now());
  }

  shareOf(service: BalancedService, server: BalancedServer): number {
    const { clock } = this.#options;
    return this.#returns.shareOf(serverId(service, server), clock.now(), server.slowStartMs);
  }

  hasQuorum(service: BalancedService, liveWeight: number): boolean {
    return this.#quorums.would(serviceId(service), service, liveWeight);
  }

  /** Takes servers out, or puts them back; all of them or, if one is unknown, none. */
  order(order: DrainOrder, services: readonly BalancedService[]): DrainReport {
    const targets: DrainTarget[] = [];
    for (const name of order.servers) {
      const target = parseDrainTarget(name);
      if (target === null) return refused(`"${name}" names no server; write it as web/192.0.2.8`);
      if (!hasServer(services, target)) return refused(unknownServer(name, target, services));
      targets.push(target);
    }
    try {
      const outcomes = targets.map((target) => this.#carryOut(target, order, services));
      return { outcomes, refusal: null };
    } catch (error) {
      return refused(`what was ordered cannot be remembered, and is not done: ${errorText(error)}`);
    }
  }

  #carryOut(
    target: DrainTarget,
    { isBack, withinMs }: DrainOrder,
    services: readonly BalancedService[],
  ): DrainOutcome {
    const { book, clock, log } = this.#options;
    const name = formatDrainTarget(target);
    if (isBack) {
      // The word for all ports takes back what was said of one, and the other way round.
      const stays = book.drains.filter(
        (drain) =>
          drain.service !== target.service ||
          drain.address !== target.address ||
          (target.port !== null && drain.port !== null && drain.port !== target.port),
      );
      if (
        services.some((service) =>
          service.servers.some((server) => isDrainedByFile(server) && concerns(target, service, server)),
        )
      )
        return { name, text: "stays drained, as the file says: remove drain = true there" };
      if (stays.length === book.drains.length) return { name, text: "was not drained" };
      book.note(stays);
      for (const service of services) {
        for (const server of service.servers) {
          if (server.slowStartMs > 0 && concerns(target, service, server))
            this.#returns.noteReturn(serverId(service, server), clock.now());
        }
      }
      log.notice(`${name} gets connections again, by order`);
      return { name, text: "gets connections again" };
    }
    const now = clock.wallTime();
    const until = new Date(Math.min(now.getTime() + withinMs, latestTime)).toISOString();
    const others = book.drains.filter((drain) => !isSameTarget(drain, target));
    book.note([...others, { ...target, since: now.toISOString(), until, state: "draining", cut: 0 }]);
    log.notice(`${name} gets no new connections, by order`);
    return { name, text: "gets no new connections" };
  }

  #advanceDrains(services: readonly BalancedService[], occupancy: Occupancy): void {
    const { book, clock, log } = this.#options;
    if (!book.drains.some(({ state }) => state === "draining")) return;
    const now = clock.wallTime().getTime();
    const advanced = book.drains.map((drain): Drain => {
      if (drain.state === "drained") return drain;
      const { connections, isQuiet } = remainsOf(drain, services, occupancy);
      if ((connections > 0 || !isQuiet) && now < Date.parse(drain.until)) return drain;
      const text =
        connections === 0
          ? "has no connection left"
          : `is taken out with ${counted(connections, "connection")} still open`;
      log.notice(`${formatDrainTarget(drain)} ${text}`);
      return { ...drain, state: "drained", cut: connections };
    });
    if (advanced.every((drain, index) => drain === book.drains[index])) return;
    try {
      book.note(advanced);
    } catch (error) {
      log.error(`the list of drained servers cannot be written: ${errorText(error)}`);
    }
  }
}

/** What came and went is of interest only where time has to do with how a server stands. */
function isRemembered(service: BalancedService, server: BalancedServer): boolean {
  return service.damping !== null || server.slowStartMs > 0;
}

function refused(refusal: string): DrainReport {
  return { outcomes: [], refusal };
}

function unknownServer(name: string, target: DrainTarget, services: readonly BalancedService[]): string {
  const own = services.filter((service) => service.name === target.service);
  if (own.length === 0) {
    const names = [...new Set(services.map((service) => service.name))].join(", ");
    return `there is no service or upstream ${target.service} on this node${names === "" ? "" : `; there is ${names}`}`;
  }
  const servers = [...new Set(own.flatMap((service) => service.servers.map(formatEndpoint)))];
  return `there is no server ${name}; the service has ${servers.join(", ")}`;
}
