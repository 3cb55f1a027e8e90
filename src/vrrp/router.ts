import { unreachable } from "../base/assert.ts";
import { later, type Instant } from "../base/instant.ts";
import type { VrrpInstancePlan } from "../config/node-plan.ts";
import type { InstanceStatus, VrrpStateName } from "../ipc/status.ts";
import type { InterfaceAddress } from "../kernel/rtnetlink.ts";
import { Adverts, type HeardAdvert, type PathPlace } from "./adverts.ts";
import type { Captures } from "./captures.ts";
import { Counters } from "./counters.ts";
import { notStarted, step } from "./election.ts";
import { mayBeReplaced } from "./election-active.ts";
import type { Election, ElectionConfig, ElectionEffect, ElectionEvent } from "./election-types.ts";
import { formatMs, takeoverMs } from "./timers.ts";
import { heldAddresses } from "./held-addresses.ts";
import { Holding, type HoldingNeeds } from "./holding.ts";
import type { Host } from "./host.ts";
import type { Neighbourhoods } from "./neighbourhoods.ts";
import { nodeAt } from "./neighbour-names.ts";
import { routerKey } from "./plan-difference.ts";
import { outranked, preempted, Preemption } from "./preemption.ts";
import { RivalWatch } from "./rival-watch.ts";
import { mayClaim } from "./sync-group.ts";
import type { WeighedClaim } from "./tracking.ts";
import type { Transport } from "./transport.ts";
import { shownVirtualMac } from "./virtual-mac-fitness.ts";
import type { VirtualMacs } from "./virtual-macs.ts";

/** What all routers of a process share. */
export interface RouterNeeds extends HoldingNeeds {
  readonly host: Host;
  readonly transport: Transport;
  readonly virtualMacs: VirtualMacs;
  /** When the daemon was started. */
  readonly bornAt: () => Instant;
  readonly neighbourhoods: Neighbourhoods;
  readonly captures: Captures;
  readonly group: GroupView;
  /** How long open connections get to end before a planned switch; 0 does not wait for them. */
  readonly drainTimeoutMs: () => number;
}

/** What a router asks of, and tells, those it moves together with. */
export interface GroupView {
  /** Names another member that follows a live router, so that this one may not claim or preempt; or null. */
  followingBeside(router: Router): string | null;
  /** Gives the time at which the operator handed it over, or null. */
  handedOverAt(router: Router): string | null;
  /** Has it, and its group, handed over to a node that is about to preempt it. */
  handOver(router: Router, reason: string): void;
  /** Called after every change of state. */
  moved(router: Router, from: Election["state"]): void;
}

/** One virtual router: carries out what its election decides, and feeds it what happens. */
export class Router {
  readonly #needs: RouterNeeds;
  readonly #counters = new Counters();
  #plan: VrrpInstancePlan;
  #election: Election;
  #weighed: WeighedClaim = { claim: { kind: "cut-off", reason: "not started" }, claims: [] };
  #peer: InstanceStatus["peer"] = null;
  #since: Date;
  #left: (() => void) | null = null;
  readonly #holding: Holding;
  readonly #adverts: Adverts;
  readonly #rivals: RivalWatch;
  readonly #preemption: Preemption;
  readonly #deadlineName: string;

  constructor(plan: VrrpInstancePlan, needs: RouterNeeds) {
    this.#plan = plan;
    this.#needs = needs;
    this.#election = notStarted(needs.host.clock.now());
    this.#since = needs.host.clock.wallTime();
    this.#deadlineName = `election ${routerKey(plan)}`;
    this.#holding = new Holding(plan, needs);
    this.#adverts = new Adverts({
      host: needs.host,
      transport: needs.transport,
      log: needs.log,
      counters: this.#counters,
      plan: () => this.#plan,
      hear: (advert) => this.#hear(advert),
      beAsked: ({ source, priority }) => this.#beAsked(source, priority),
      sight: (sighting) => this.#rivals.note(sighting),
    });
    this.#preemption = new Preemption({
      clock: needs.host.clock,
      ask: () =>
        this.#adverts.request(this.#weighed.claim.kind === "standing" ? this.#weighed.claim.priority : 0),
      limitMs: () => this.#needs.drainTimeoutMs() + handoverSlackMs,
      over: (isLate) => this.#preempt(isLate),
    });
    this.#rivals = new RivalWatch(plan, needs, () => this.#counters.count("splitBrains"));
  }

  get plan(): VrrpInstancePlan {
    return this.#plan;
  }

  get name(): string {
    return this.#plan.name;
  }

  get election(): Election {
    return this.#election;
  }

  get weighed(): WeighedClaim {
    return this.#weighed;
  }

  /** Whether the holder was asked to hand over and may still do so. */
  get isAwaitingHandover(): boolean {
    return this.#preemption.isWaiting;
  }

  /** Begins with a claim. */
  start(weighed: WeighedClaim, paths: readonly PathPlace[], adopts: boolean): void {
    // What an earlier process left up must not answer beside whoever is active now.
    if (!adopts) this.#needs.virtualMacs.lower(this.#plan);
    this.#weighed = this.#join(weighed, paths);
    this.#handle({ kind: "startup", at: this.#now(), claim: this.#weighed.claim, adopts });
  }

  /** Takes note of the claim as it is now, and of where to speak. */
  setClaim(weighed: WeighedClaim, paths: readonly PathPlace[]): void {
    this.#weighed = this.#join(weighed, paths);
    this.#handle({ kind: "claim", at: this.#now(), claim: this.#weighed.claim });
  }

  /** Goes on with other settings; the caller sets the claim afterwards. */
  configure(plan: VrrpInstancePlan): void {
    const before = this.#plan;
    this.#plan = plan;
    if (this.#election.state === "active") this.#needs.virtualMacs.raise(plan);
    this.#holding.configure(plan, this.#election.state === "active");
    const hasOtherAdvert =
      before.advertIntervalMs !== plan.advertIntervalMs ||
      before.version !== plan.version ||
      JSON.stringify(before.addresses) !== JSON.stringify(plan.addresses);
    if (hasOtherAdvert) this.#handle({ kind: "configure", at: this.#now() });
  }

  /** Hands the sync group's decision to the election. */
  follow(event: ElectionEvent): void {
    this.#handle(event);
  }

  /** Resigns if it is active, goes on answering until another router has taken over, and goes on with this claim. */
  handOver(weighed: WeighedClaim, reason: string): void {
    this.#weighed = weighed;
    this.#handle({ kind: "handover", at: this.#now(), claim: weighed.claim, reason });
  }

  /** Resigns, goes on answering until another router has taken over, and calls `left` when it is of no more use. */
  stop(reason: string, left: () => void): void {
    this.#left = left;
    this.#handle({ kind: "shutdown", at: this.#now(), reason });
  }

  /** Ends a stop that is under way: the addresses are needed elsewhere. */
  cutShort(): void {
    const claim = { kind: "cut-off", reason: "the addresses are needed elsewhere" } as const;
    this.#handle({ kind: "claim", at: this.#now(), claim });
  }

  /** Takes note of an address: one that this router holds is put back if it is gone, and looked at if it changed. */
  hearAddress(address: InterfaceAddress, isGone: boolean): void {
    if (!isGone) this.#holding.seen(address);
    else if (this.#isDefending()) this.#holding.lost(address);
  }

  /** Makes sure of every address while active. */
  reconcile(): void {
    if (!this.#isDefending()) return;
    this.#needs.virtualMacs.keepUp(this.#plan);
    this.#holding.check();
  }

  /** Does the same in a moment, once for many events. */
  reconcileSoon(): void {
    if (this.#isDefending()) this.#holding.checkSoon();
  }

  /** Says how it stands. */
  status(): InstanceStatus {
    const { name, family, version, vrid, priority: basePriority } = this.#plan;
    const { claim, claims } = this.#weighed;
    return {
      name,
      interface: this.#plan.interface,
      family,
      virtualMac: shownVirtualMac(this.#plan),
      version,
      vrid,
      state: stateName(this.#election),
      since: this.#since.toISOString(),
      reason: this.#election.reason,
      priority: claim.kind === "standing" ? claim.priority : 0,
      basePriority,
      claims,
      addresses: heldAddresses(this.#plan).map(({ address, length }) => `${address}/${length}`),
      duplicates: this.#holding.duplicates,
      handedOverAt: this.#needs.group.handedOverAt(this),
      splitBrain: this.#rivals.status,
      peer: this.#peer,
      paths: this.#adverts.paths(),
      counters: this.#counters.values(),
    };
  }

  #handle(event: ElectionEvent): void {
    const before = this.#election;
    const { next, effects } = step(this.#config(), before, event);
    // The claims of all routers are looked at whenever one of them may have changed.
    if (event.kind === "claim" && next === before) return;
    this.#election = next;
    this.#preemption.follow(next);
    // Before the first advertisement, which goes through it.
    if (next.state === "active" && before.state !== "active") this.#needs.virtualMacs.raise(this.#plan);
    for (const effect of effects) if (!this.#isHarmful(effect, before, next)) this.#carryOut(effect);
    this.#arm();
    this.#rivals.follow(this.#plan, next, this.#adverts.place);
    if (before.state !== next.state) {
      this.#since = this.#needs.host.clock.wallTime();
      this.#needs.group.moved(this, before.state);
    }
    // Whoever is about to take over announces the addresses; a late burst of ours would turn the hosts back.
    if (next.state === "leaving") this.#holding.quiet();
    if (next.state === "initialize") this.#finish();
  }

  /** An outranked router's last word is from the MAC that the winner uses now: it would turn the switch back to us. */
  #isHarmful(effect: ElectionEffect, before: Election, next: Election): boolean {
    const isLastWord = effect.kind === "sendAdvert" && effect.priority !== 0 && next.state === "backup";
    return isLastWord && before.state === "active" && this.#plan.virtualMac !== null;
  }

  /** Lets go of everything once a stop is over. */
  #finish(): void {
    const left = this.#left;
    if (left === null) return;
    this.#left = null;
    this.#holding.quiet();
    this.#adverts.moveTo([]);
    left();
  }

  #config(): ElectionConfig {
    const { version, advertIntervalMs, downAfter, preempts, preemptDelayMs, startupDelayMs } = this.#plan;
    const isHeldBack = (): boolean =>
      this.#preemption.isWaiting || this.#needs.group.followingBeside(this) !== null;
    return {
      version,
      advertIntervalMs,
      downAfter,
      preempts,
      preemptDelayMs,
      // Who follows whom is asked of every member of the group, at every event of each: only where it matters.
      get isHeldBack() {
        return isHeldBack();
      },
      overlapMs: this.#overlapMs(),
      claimsFrom: later(this.#needs.bornAt(), startupDelayMs),
    };
  }

  /** An answer from the MAC that the next router uses already would turn the switch back to this node. */
  #overlapMs(): number {
    const { addresses, extraAddresses, virtualMac } = this.#plan;
    return virtualMac === null ? takeoverMs(addresses.length + extraAddresses.length) : 0;
  }

  #carryOut(effect: ElectionEffect): void {
    switch (effect.kind) {
      case "sendAdvert":
        this.#adverts.send(effect.priority, effect.intervalMs);
        // While it is active: one that takes over adds its addresses next, one that resigns lets their lease run.
        if (this.#election.state === "active") this.#holding.keepAlive();
        return;
      case "addAddresses":
        return this.#holding.take();
      case "removeAddresses":
        // First, so that the kernel's farewells (MLD) do not turn the switch back to this node.
        this.#needs.virtualMacs.lower(this.#plan);
        return this.#holding.release();
      case "announce":
        return this.#holding.announce();
      case "notify":
        if (effect.to === "active") this.#counters.count("becameActive");
        return this.#needs.log.notice(`${this.name}: ${effect.from} → ${effect.to}: ${effect.reason}`);
      default:
        return unreachable(effect);
    }
  }

  /** Tells whether it is active and knows it: one that slept listens first, and puts nothing back before. */
  #isDefending(): boolean {
    const election = this.#election;
    return election.state === "active" && !mayBeReplaced(this.#config(), election, this.#now());
  }

  #arm(): void {
    const election = this.#election;
    const { deadlines } = this.#needs;
    if (election.state === "initialize" || election.state === "fault")
      return deadlines.clear(this.#deadlineName);
    deadlines.set(this.#deadlineName, election.deadline, () => this.#expire());
  }

  #expire(): void {
    const at = this.#now();
    const isFree = this.#isFree();
    if (isFree && this.#asksFirst()) return this.#handle({ kind: "wait", at });
    // Whoever was asked has not been heard since.
    this.#preemption.stopWaiting();
    this.#handle({ kind: isFree ? "timer" : "hold", at });
  }

  #isFree(): boolean {
    return mayClaim(this.#election, this.#needs.group.followingBeside(this));
  }

  /** Where proxies have connections, a node of the file that is about to be preempted gets the time to end them. */
  #asksFirst(): boolean {
    const { needsProxy, neighbours } = this.#plan;
    const holder = preempted(this.#election, this.#now());
    if (holder === null || !needsProxy || this.#needs.drainTimeoutMs() === 0) return false;
    return nodeAt(neighbours, holder.source) !== null && this.#preemption.begin(holder.source);
  }

  /** Preempts without being handed over to; one that slept leaves that to its deadline, which listens first. */
  #preempt(isLate: boolean): void {
    const heard = outranked(this.#election);
    const election = this.#election;
    if (isLate || heard === null || election.state !== "backup" || !this.#isFree()) return;
    const reason = `${heard.source} has priority ${heard.priority}, ours is ${election.claim.priority}`;
    this.#handle({ kind: "lead", at: this.#now(), reason });
  }

  /** Hands over to a node of the file that outranks this one and says so before it preempts; a backup hears the answer. */
  #beAsked(source: string, priority: number): void {
    const election = this.#election;
    const node = nodeAt(this.#plan.neighbours, source);
    if (node === null) return;
    if (election.state === "backup") {
      if (!this.#preemption.answer(source)) return;
      const limit = formatMs(this.#needs.drainTimeoutMs() + handoverSlackMs);
      return this.#needs.log.notice(
        `${this.name}: ${node} ends its open connections before it hands over, within ${limit}`,
      );
    }
    if (election.state !== "active" || priority <= election.claim.priority) return;
    this.#adverts.request(election.claim.priority);
    const reason = `handed over to ${node} (${source}), which has priority ${priority}, ours is ${election.claim.priority}`;
    this.#needs.group.handOver(this, reason);
  }

  #hear({ source, priority, intervalMs }: HeardAdvert): void {
    this.#peer = { address: source, priority };
    this.#handle({ kind: "advert", at: this.#now(), source, priority, intervalMs });
  }

  /** Becomes part of the segments the claim speaks on; without that of its own interface there is no claim. */
  #join(weighed: WeighedClaim, paths: readonly PathPlace[]): WeighedClaim {
    const isCutOff = weighed.claim.kind === "cut-off";
    // What is cut off has nothing to say there, not even that it resigns; heartbeats carry that.
    const places = paths.map((path, index) => (isCutOff && index === 0 ? { ...path, place: null } : path));
    const reason = this.#adverts.moveTo(places);
    if (reason === null) return weighed;
    return { claim: { kind: "cut-off", reason }, claims: [reason, ...weighed.claims] };
  }

  #now(): ReturnType<Host["clock"]["now"]> {
    return this.#needs.host.clock.now();
  }
}

/** What a handover may take beside the drain: the last connections, answers that are late, and the next router's skew. */
const handoverSlackMs = 1000;

/** Names the state for `status`, which shows one that leaves as what it is going to be. */
function stateName(election: Election): VrrpStateName {
  if (election.state !== "leaving") return election.state;
  if (election.isStopping) return "initialize";
  return election.claim.kind === "standing" ? "backup" : "fault";
}
