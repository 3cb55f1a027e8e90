import { later, type Instant } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import type { VrrpInstancePlan, VrrpPlan } from "../config/node-plan.ts";
import type { Verdict } from "../ipc/messages.ts";
import type { Departure } from "../ipc/departure.ts";
import type { HandedOver, HandoverOrder, HandoverReport } from "../ipc/handover.ts";
import type { BfdReport, InstanceStatus } from "../ipc/status.ts";
import { addressProtocol, type RouteEvent } from "../kernel/rtnetlink.ts";
import { AnnouncementQueue } from "./announcement-queue.ts";
import { BfdSessions } from "./bfd/sessions.ts";
import { Captures } from "./captures.ts";
import { Claims, type Survey } from "./claims.ts";
import { Departures } from "./departures.ts";
import { Deadlines } from "./deadlines.ts";
import { Handovers } from "./handovers.ts";
import type { Election } from "./election-types.ts";
import { Holdings } from "./holdings.ts";
import type { Host } from "./host.ts";
import { Interfaces } from "./interfaces.ts";
import { Neighbourhoods } from "./neighbourhoods.ts";
import { StateNotices } from "./state-notices.ts";
import { namesHeldJustNow } from "./lease.ts";
import { isInTheWay, planDifference } from "./plan-difference.ts";
import { Places } from "./places.ts";
import { Roster } from "./roster.ts";
import { type GroupView, Router, type RouterNeeds } from "./router.ts";
import { groupEvent, wholeGroups } from "./sync-group.ts";
import type { WeighedClaim } from "./tracking.ts";
import { type TrackNames, Tracks } from "./tracks.ts";
import { Transport } from "./transport.ts";
import { Verdicts } from "./verdicts.ts";
import { VirtualMacs } from "./virtual-macs.ts";
import { Withdrawals } from "./withdrawals.ts";

/**
 * All virtual routers of this node: what the kernel, the tracks, the proxies and the sync groups say becomes each
 * one's claim, and a new plan becomes the least change. It does not know the supervisor (process.ts does).
 */
export class VrrpNode {
  readonly #host: Host;
  readonly #changed: () => void;
  readonly #interfaces: Interfaces;
  readonly #holdings: Holdings;
  readonly #transport: Transport;
  readonly #places: Places;
  readonly #virtualMacs: VirtualMacs;
  readonly #needs: RouterNeeds;
  readonly #unsubscribe: () => void;
  readonly #roster: Roster;
  readonly #verdicts = new Verdicts();
  readonly #tracks: Tracks;
  readonly #claims: Claims;
  readonly #bfd: BfdSessions;
  readonly #notices: StateNotices;
  readonly #handovers: Handovers;
  readonly #withdrawals: Withdrawals;
  /** What becomes of the proxies' open connections. */
  readonly departures: Departures;
  #isConfigured = false;
  /** When the daemon was started. */
  #bornAt: Instant;
  #left: (() => void) | null = null;

  constructor(options: {
    readonly host: Host;
    readonly log: Log;
    readonly changed: () => void;
    /** Tells the proxies what becomes of open connections; without it nothing waits for them. */
    readonly depart?: (departure: Departure) => void;
  }) {
    const { host, log } = options;
    this.#host = host;
    this.#bornAt = host.clock.now();
    this.#roster = new Roster(() => host.clock.now());
    this.#changed = options.changed;
    // Events first, then the state: nothing in between is missed.
    this.#unsubscribe = host.routes.subscribe((event) => this.#hear(event));
    this.#interfaces = new Interfaces(host);
    this.#transport = new Transport(host);
    const changed = (): void => this.#weighAll();
    this.#virtualMacs = new VirtualMacs({ host, interfaces: this.#interfaces, log, changed });
    const isVirtual = (address: string): boolean => this.#roster.isVirtual(address);
    this.#places = new Places(this.#interfaces, isVirtual, this.#virtualMacs);
    const deadlines = new Deadlines(host);
    this.#bfd = new BfdSessions({
      host,
      log,
      deadlines,
      interfaces: this.#interfaces,
      followers: () => this.#roster.present,
      changed,
    });
    this.#tracks = new Tracks({
      host,
      interfaces: this.#interfaces,
      verdicts: this.#verdicts,
      bfd: (session) => this.#bfd.sight(session),
      isVirtual: (own) => own.protocol === addressProtocol.vrrp || isVirtual(own.address),
      log,
      changed,
    });
    this.#claims = new Claims({
      plan: () => this.#roster.plan,
      groupOf: (instance) => this.#roster.groupOf(instance),
      tracks: this.#tracks,
      places: this.#places,
    });
    this.#notices = new StateNotices({ host, log });
    this.departures = new Departures({ clock: host.clock, log, send: options.depart ?? null });
    this.#handovers = this.#makeHandovers();
    this.#withdrawals = new Withdrawals({
      departures: this.departures,
      withGroup: (router) => this.#wholeGroup(router),
      drainTimeoutMs: () => this.#roster.plan.drainTimeoutMs,
      weighAll: changed,
    });
    this.#holdings = new Holdings({ host, interfaces: this.#interfaces, deadlines, log });
    this.#needs = {
      host,
      log,
      interfaces: this.#interfaces,
      ...this.#holdings.needs,
      transport: this.#transport,
      virtualMacs: this.#virtualMacs,
      deadlines,
      announcements: new AnnouncementQueue({ host, interfaces: this.#interfaces, deadlines, log }),
      neighbourhoods: new Neighbourhoods(host),
      captures: new Captures(host),
      bornAt: () => this.#bornAt,
      group: this.#groupView(),
      drainTimeoutMs: () => this.#roster.plan.drainTimeoutMs,
    };
  }

  #groupView(): GroupView {
    return {
      followingBeside: (router) => this.#roster.followingBeside(router),
      handedOverAt: ({ plan }) => this.#handovers.handedOverAt(plan),
      handOver: (router, reason) => this.#handOverTo(router, reason),
      moved: (router, from) => this.#moved(router, from),
    };
  }

  #makeHandovers(): Handovers {
    return new Handovers({
      clock: this.#host.clock,
      routers: () => this.#roster.inOrder,
      groups: () => this.#roster.plan.syncGroups,
      resign: (routers, reason) => this.#resign(routers, reason),
      weighAll: () => this.#weighAll(),
      drainTimeoutMs: () => this.#roster.plan.drainTimeoutMs,
      departures: this.departures,
    });
  }

  #resign(routers: readonly Router[], reason: string): void {
    const survey = this.#claims.survey();
    for (const router of routers) router.handOver(this.#weigh(router.plan, survey), reason);
  }

  /** Hands a router and its group over to a node that would preempt it otherwise; once, however often it is asked. */
  #handOverTo(router: Router, reason: string): void {
    const { departures } = this;
    if (departures.isPending(router)) return;
    const held = this.#wholeGroup(router).filter((each) => isHeld(each) && !departures.isPending(each));
    departures.begin(held, this.#roster.plan.drainTimeoutMs, () => this.#resign(held.filter(isHeld), reason));
  }

  #wholeGroup(router: Router): readonly Router[] {
    const group = this.#roster.groupOf(router.name);
    return group === null ? [router] : [router, ...this.#roster.othersInGroup(router, group)];
  }

  /** Goes over to another plan; throws, with the old plan in force, if it cannot be carried out. */
  configure(plan: VrrpPlan, adopt: readonly string[], handedOver: readonly HandedOver[] = []): void {
    const names = this.#tracks.prepare(plan.tracks);
    const tellOthers = this.#notices.prepare(plan);
    const holdOthers = this.#holdings.prepare(plan.instances);
    // What cannot be opened is a refusal, before anything has changed.
    const places = plan.instances.flatMap((one) => this.#places.of(one)).flatMap(({ place }) => place ?? []);
    const release = this.#transport.reserveAll(places);
    try {
      if (!this.#isConfigured) this.#handovers.restore(handedOver);
      tellOthers();
      holdOthers();
      const held = this.#isConfigured ? [] : namesHeldJustNow(plan.instances, this.#host.routes.leases());
      this.#carryOut(plan, { names, adopt: wholeGroups(plan, [...adopt, ...held]) });
    } finally {
      release();
    }
    this.#changed();
  }

  /** Says whether at least one proxy process can serve. */
  setProxiesAlive(areAlive: boolean): void {
    this.#claims.areProxiesAlive = areAlive;
    this.#weighAll();
  }

  /** Says for how long the daemon has been running: start-up delays count from then. */
  setUptime(ms: number): void {
    this.#bornAt = later(this.#host.clock.now(), -ms);
  }

  /** Takes note of what the health checks found; `all` replaces what was known before. */
  setVerdicts(verdicts: readonly Verdict[], all: boolean): void {
    if (all) this.#verdicts.replace(verdicts);
    else this.#verdicts.note(verdicts);
    this.#weighAll();
  }

  /** Hands virtual routers over to other nodes, or takes the usual claim for them again; `report` is called once. */
  handOver(order: HandoverOrder, report: (report: HandoverReport) => void): void {
    this.#handovers.begin(order, report);
    this.#changed();
  }

  /** Gives the status of every instance, in the plan's order. */
  statuses(): readonly InstanceStatus[] {
    return this.#roster.inOrder.map((router) => router.status());
  }

  /** Gives the status of every BFD session. */
  bfdReport(): BfdReport {
    return this.#bfd.report();
  }

  /** Compares with the kernel, in case an event was lost. */
  reconcile(): void {
    this.#interfaces.readAll();
    this.#bfd.retry();
    this.#virtualMacs.tend(this.#roster.plansInUse);
    this.#weighAll();
    for (const router of this.#roster.present) router.reconcile();
    this.#holdings.check();
  }

  /** Waits until the scripts that are told of changes have run, at most `limitMs`. */
  finishNotices(limitMs: number): Promise<void> {
    return this.#notices.finish(limitMs);
  }

  /** Resigns everywhere, and calls `left` once every address is held by another node or was given up. */
  stop(reason: string, left: () => void): void {
    this.#tracks.stop();
    this.departures.hurry();
    const all = this.#roster.present;
    const held = all.filter(({ election }) => election.state === "active");
    // Whoever waits for its own connections does not claim those of another meanwhile.
    for (const router of all.filter((each) => !held.includes(each))) this.#stopOne(router, reason);
    this.departures.begin(held, this.#roster.plan.drainTimeoutMs, () => {
      this.#left = left;
      for (const router of held) this.#stopOne(router, reason);
      this.#departed();
    });
  }

  #stopOne(router: Router, reason: string): void {
    router.stop(reason, () => {
      this.#roster.remove(router);
      this.#departed();
    });
  }

  /** Takes note that a router is gone. */
  #departed(): void {
    this.#changed();
    const left = this.#left;
    if (left === null) return this.#virtualMacs.keepOnly(this.#roster.plansInUse);
    if (!this.#roster.isEmpty) return;
    this.#left = null;
    this.#virtualMacs.keepOnly([]);
    this.#unsubscribe();
    this.#holdings.close();
    // Not before another holds the addresses: to a foreign peer it may be the word to take them.
    this.#bfd.stop("stopped");
    left();
  }

  /** Takes routers out of service; at once if a new plan has other use for their addresses or numbers. */
  #dismiss(routers: readonly Router[]): void {
    this.departures.begin(routers, this.#roster.plan.drainTimeoutMs, () => {
      for (const router of routers) {
        router.stop("removed from the configuration", () => {
          this.#roster.remove(router);
          this.#departed();
        });
      }
    });
  }

  #makeWay(plan: VrrpPlan): void {
    const inTheWay = this.#roster.departing.filter((router) => isInTheWay(router.plan, plan));
    this.departures.hurry(inTheWay);
    for (const router of inTheWay) router.cutShort();
  }

  #carryOut(plan: VrrpPlan, how: { readonly names: TrackNames; readonly adopt: ReadonlySet<string> }): void {
    const difference = planDifference(this.#roster.plan.instances, plan.instances);
    const dismissed = this.#roster.exchange(plan, difference.removed);
    this.#handovers.keepOnly(plan.instances);
    this.#dismiss(dismissed);
    this.#roster.index();
    this.#makeWay(plan);
    this.#bfd.exchange(plan.bfd);
    this.#virtualMacs.tend(this.#roster.plansInUse);
    this.#tracks.exchange(plan.tracks, { names: how.names, isAdopting: how.adopt.size > 0 });
    for (const next of difference.changed) this.#roster.at(next)?.configure(next);
    const isAdopted = ({ name }: VrrpInstancePlan): boolean => how.adopt.has(name);
    this.#holdings.adopt(difference.added.filter(isAdopted));
    if (!this.#isConfigured) this.#holdings.sweep();
    this.#isConfigured = true;
    const fresh = difference.added.map((next) => new Router(next, this.#needs));
    this.#roster.add(fresh);
    const survey = this.#claims.survey();
    for (const router of fresh) {
      const { plan: its } = router;
      router.start(this.#weigh(its, survey), survey.pathsOf(its), isAdopted(its));
    }
    this.#weighAll();
    this.#virtualMacs.keepOnly(this.#roster.plansInUse);
  }

  #hear(event: RouteEvent): void {
    if (!this.#interfaces.apply(event)) return;
    if (event.kind === "overrun") return this.reconcile();
    if (event.kind === "link" && this.#isOwnLinkTended(event.link.name)) return;
    const isVirtual = event.kind === "address" && this.#roster.isVirtual(event.address.address);
    if (!isVirtual) {
      this.#bfd.look();
      this.#weighAll();
    }
    this.#holdings.checkSoon();
    if (event.kind === "link") for (const router of this.#roster.present) router.reconcileSoon();
    if (event.kind !== "address") return;
    for (const router of this.#roster.present) router.hearAddress(event.address, event.isGone);
  }

  /** Sees to the virtual MACs after a change of a link, and tells whether that is all there is to do about it. */
  #isOwnLinkTended(name: string): boolean {
    const concerned = this.#roster.plansInUse.filter((plan) =>
      [plan.virtualMac, plan.interface].includes(name),
    );
    const isOwn = concerned.some(({ virtualMac }) => virtualMac === name);
    if (this.#virtualMacs.tend(concerned) && isOwn) this.#weighAll();
    for (const plan of concerned) this.#roster.at(plan)?.reconcile();
    return isOwn;
  }

  /** Gives every router its claim as it is now. */
  #weighAll(): void {
    this.#tracks.look();
    const survey = this.#claims.survey();
    for (const router of [...this.#roster.present, ...this.#roster.departing]) {
      const weighed = this.#withdrawals.admit(router, this.#weigh(router.plan, survey));
      router.setClaim(weighed, survey.pathsOf(router.plan));
    }
    this.#changed();
  }

  #weigh(plan: VrrpInstancePlan, survey: Survey): WeighedClaim {
    return this.#handovers.weigh(plan, survey.weigh(plan));
  }

  #moved(router: Router, from: Election["state"]): void {
    this.#changed();
    this.#tellMoved(router, from);
    this.departures.moved(router);
    this.#handovers.moved(router, from);
  }

  #tellMoved(router: Router, from: Election["state"]): void {
    // One that makes way for another of its name has nothing to tell any more.
    const hasSuccessor = this.#roster.hasSuccessor(router);
    if (!hasSuccessor) this.#notices.tell(router);
    const group = this.#roster.groupOf(router.name);
    if (group === null) return;
    const event = groupEvent(group.name, router, from, this.#host.clock.now());
    const others = this.#roster.othersInGroup(router, group);
    if (event !== null) for (const other of others) other.follow(event);
    const addresses = this.#roster.addressesOf(group);
    if (!hasSuccessor) this.#notices.tellGroup({ ...group, addresses }, [router, ...others]);
  }
}

function isHeld({ election }: Router): boolean {
  return election.state === "active";
}
