import { equalBytes } from "../base/bytes.ts";
import { later, type Instant } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { VrrpInstancePlan } from "../config/node-plan.ts";
import { virtualMac } from "../config/virtual-mac.ts";
import type { SplitBrainStatus } from "../ipc/status.ts";
import { formatMac } from "../kernel/frames.ts";
import type { NeighbourWord } from "../kernel/neighbour-word.ts";
import type { Link } from "../kernel/rtnetlink.ts";
import type { Captures, SeenAdvert } from "./captures.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Election } from "./election-types.ts";
import type { Host } from "./host.ts";
import type { Interfaces } from "./interfaces.ts";
import type { Neighbourhoods, NeighbourWatch } from "./neighbourhoods.ts";
import { routerKey } from "./plan-difference.ts";
import {
  describeEnd,
  describeSplitBrain,
  freshTraces,
  graceMs,
  judgeTraces,
  nextLook,
  noTraces,
  quietPauseMs,
  type SplitBrainRules,
  suspiciousPauseMs,
  type Traces,
  type WithoutTime,
  withSighting,
} from "./split-brain.ts";

/** What watching for rivals takes. */
export interface RivalWatchNeeds {
  readonly host: Pick<Host, "clock">;
  readonly captures: Captures;
  readonly interfaces: Interfaces;
  readonly neighbourhoods: Neighbourhoods;
  readonly deadlines: Deadlines;
  readonly log: Log;
}

/**
 * Watches for a rival while a router is active: takes note of the advertisements it hears, asks the neighbours now and then
 * who else has an address, and looks at all VRRP on the link once somebody has. split-brain.ts says what it means.
 */
export class RivalWatch {
  readonly #needs: RivalWatchNeeds;
  readonly #counted: () => void;
  #plan: VrrpInstancePlan;
  #source: string | null = null;
  #link: Link | null = null;
  #activeSince: Instant | null = null;
  #traces: Traces = noTraces;
  #status: SplitBrainStatus | null = null;
  #beganAt: Instant;
  #neighbours: NeighbourWatch | null = null;
  #capture: { close(): void } | null = null;
  #probes = 0;

  /** `counted` is called for each split brain that begins. */
  constructor(plan: VrrpInstancePlan, needs: RivalWatchNeeds, counted: () => void) {
    this.#plan = plan;
    this.#needs = needs;
    this.#counted = counted;
    this.#beganAt = needs.host.clock.now();
  }

  /** The rival that is known, or null. */
  get status(): SplitBrainStatus | null {
    return this.#status;
  }

  /** Takes note of what the router does, where it speaks, and as what. */
  follow(
    plan: VrrpInstancePlan,
    election: Election,
    place: { readonly link: Link; readonly source: string } | null,
  ): void {
    const hasOtherAddresses = plan.addresses !== this.#plan.addresses;
    this.#plan = plan;
    const since = election.state === "active" && place !== null ? election.since : null;
    // As it is now: its MAC may have changed since the socket was opened.
    const link = place && (this.#needs.interfaces.linkAt(place.link.index) ?? place.link);
    const isSame = since === this.#activeSince && isSameLink(link, this.#link) && !hasOtherAddresses;
    this.#source = place?.source ?? null;
    this.#link = link;
    if (isSame) return;
    this.#end();
    this.#activeSince = since;
    if (since === null) return;
    this.#askAt(later(since, graceMs(plan.advertIntervalMs)));
  }

  /** Takes note of an advertisement. */
  note(sighting: WithoutTime): void {
    const at = this.#needs.host.clock.now();
    if (this.#activeSince === null || at < later(this.#activeSince, graceMs(this.#plan.advertIntervalMs)))
      return;
    const traces = withSighting(this.#traces, { ...sighting, at });
    // A flood of garbage must not cost more than being counted.
    if (traces === this.#traces) return;
    if (this.#traces.size === 0) this.#askAt(at);
    this.#traces = traces;
    this.#look();
  }

  #askAt(at: Instant): void {
    this.#needs.deadlines.set(this.#name("probe"), at, () => this.#probe());
  }

  #probe(): void {
    const { host, log } = this.#needs;
    // Whoever suspects something wants to know soon, and also when it is over.
    const pauseMs = this.#traces.size > 0 ? suspiciousPauseMs : quietPauseMs(this.#plan.advertIntervalMs);
    this.#askAt(later(host.clock.now(), pauseMs));
    const addresses = ownAddresses(this.#plan, this.#link);
    const address = addresses[this.#probes % addresses.length];
    this.#probes += 1;
    if (address === undefined || this.#link === null || this.#source === null) return;
    try {
      const where = { link: this.#link, family: this.#plan.family };
      this.#neighbours ??= this.#needs.neighbourhoods.watch(where, addresses, (word) => this.#hear(word));
      this.#neighbours.probe(address, this.#source);
    } catch (error) {
      log.debug(`${this.#plan.name}: asking for ${address} on ${this.#link.name}: ${errorText(error)}`);
    }
  }

  #hear({ address, mac, isAnswer }: NeighbourWord): void {
    const link = this.#link;
    if (link === null || mac === formatMac(link.mac)) return;
    // Every node of a router with a virtual MAC says so: of that, only what answered us is not our own.
    const { family, vrid, virtualMac: ownLink } = this.#plan;
    if (ownLink !== null && mac === virtualMac(family, vrid) && !isAnswer) return;
    this.#listenToAll(link);
    this.note({ kind: "neighbour", mac, address });
  }

  /** Only now: a socket that looks at every packet of a link costs something. */
  #listenToAll(link: Link): void {
    if (this.#capture !== null) return;
    try {
      const { addresses, family, vrid } = this.#plan;
      const wanted = { vrid, addresses: addresses.map(({ address }) => address) };
      this.#capture = this.#needs.captures.watch({ link, family }, wanted, (advert) =>
        this.#judgeStray(advert),
      );
    } catch (error) {
      this.#needs.log.debug(`${this.#plan.name}: listening on ${link.name}: ${errorText(error)}`);
    }
  }

  /** What the router's own socket hears comes in as adverts and drops. */
  #judgeStray({ source, destination: group, vrid }: SeenAdvert): void {
    if (source === this.#source) return;
    const isOurs = vrid === this.#plan.vrid;
    const isHeard = ["advert", "dropped"].some((kind) => this.#traces.has(`${kind} ${source}`));
    if (!(isOurs && isHeard)) this.note({ kind: "stray", source, group, vrid });
  }

  #look(): void {
    const { host, deadlines, log } = this.#needs;
    const at = host.clock.now();
    const rules = this.#rules();
    this.#traces = freshTraces(this.#traces, rules, at);
    const verdict = judgeTraces(this.#traces, rules);
    const next = nextLook(this.#traces, rules);
    if (next === null) deadlines.clear(this.#name("look"));
    else deadlines.set(this.#name("look"), next, () => this.#look());
    if (![...this.#traces.values()].some(({ last }) => last.kind === "neighbour")) this.#stopCapture();
    if (verdict === null) return this.#clear();
    if (this.#status === null) {
      this.#beganAt = at;
      this.#counted();
    }
    const since = this.#status?.since ?? host.clock.wallTime().toISOString();
    // What is known of a rival grows: a new cause is worth a line, a new time is not.
    if (this.#status?.cause !== verdict.cause)
      log.warning(`${this.#plan.name}: ${describeSplitBrain(verdict)}`);
    this.#status = { since, ...verdict };
  }

  #rules(): SplitBrainRules {
    const { advertIntervalMs: intervalMs, vrid, neighbours } = this.#plan;
    const group = this.#plan.unicast === null ? this.#plan.group : (this.#source ?? "");
    const canAsk = ownAddresses(this.#plan, this.#link).length > 0;
    return { intervalMs, vrid, group, neighbours, canAsk };
  }

  #clear(): void {
    if (this.#status === null) return;
    this.#status = null;
    const lastedMs = this.#needs.host.clock.now() - this.#beganAt;
    this.#needs.log.notice(`${this.#plan.name}: ${describeEnd(lastedMs)}`);
  }

  #stopCapture(): void {
    this.#capture?.close();
    this.#capture = null;
  }

  #end(): void {
    this.#needs.deadlines.clear(this.#name("probe"));
    this.#needs.deadlines.clear(this.#name("look"));
    this.#neighbours?.close();
    this.#neighbours = null;
    this.#stopCapture();
    this.#traces = noTraces;
    this.#clear();
  }

  #name(what: string): string {
    return `${what} ${routerKey(this.#plan)}`;
  }
}

/** Tells whether two states of a link are alike to neighbours. */
function isSameLink(a: Link | null, b: Link | null): boolean {
  return a === b || (a !== null && b !== null && a.index === b.index && equalBytes(a.mac, b.mac));
}

/** The advertised addresses that neighbours can be asked about. */
function ownAddresses(plan: VrrpInstancePlan, link: Link | null): readonly string[] {
  if (link === null || link.mac.length !== 6) return [];
  const on = plan.virtualMac ?? plan.interface;
  return plan.addresses.filter((vip) => vip.interface === on).map(({ address }) => address);
}
