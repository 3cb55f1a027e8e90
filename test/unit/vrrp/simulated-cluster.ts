import { Heap } from "../../../src/base/heap.ts";
import { instant, type Instant } from "../../../src/base/instant.ts";
import { notStarted, step } from "../../../src/vrrp/election.ts";
import type {
  Claim,
  Election,
  ElectionConfig,
  ElectionEvent,
  StandingClaim,
} from "../../../src/vrrp/election-types.ts";

/**
 * Elections of one virtual router on a segment that loses, delays and partitions, with clocks that drift and hosts that
 * freeze: nothing but `step`, so that a simulated second costs microseconds. All times are milliseconds of the world;
 * a node sees them through its own clock.
 */

/** A policy without what the cluster fills in; the start-up delay counts from each start. */
export type NodePolicy = Omit<ElectionConfig, "isHeldBack" | "claimsFrom"> & {
  readonly priority: number;
  readonly startupDelayMs: number;
};

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

interface Packet {
  readonly source: string;
  readonly priority: number;
  readonly intervalMs: number;
}

/** A host with one election; what it does goes to its cluster. */
export class SimulatedNode {
  readonly name: string;
  readonly source: string;
  readonly policy: NodePolicy;
  /** Which part of a partitioned segment it is on. */
  island = 0;
  isCutOff = false;
  isWithdrawn = false;
  /** Added to its priority, as by tracks. */
  burden = 0;
  isUp = false;
  election: Election;
  /** How often it has become active. */
  claims = 0;
  readonly #cluster: SimulatedCluster;
  readonly #rate: number;
  #offset: number;
  #config: ElectionConfig;
  #timer = 0;
  #frozen: { readonly since: number; readonly isPaused: boolean; readonly hears: boolean } | null = null;
  readonly #missed: Packet[] = [];
  #isTimerMissed = false;

  constructor(cluster: SimulatedCluster, index: number, how: { policy: NodePolicy; rate: number }) {
    this.#cluster = cluster;
    this.name = `lb${index + 1}`;
    this.source = `192.0.2.${10 + index}`;
    this.policy = how.policy;
    this.#rate = how.rate;
    this.#offset = 1_000_000 * (index + 1);
    this.#config = { ...how.policy, isHeldBack: false, claimsFrom: this.now() };
    this.election = notStarted(this.now());
  }

  /** Whether it answers for the address. */
  get holds(): boolean {
    return this.election.state === "active" || this.election.state === "leaving";
  }

  get isFrozen(): boolean {
    return this.#frozen !== null;
  }

  /** When its start-up delay is over, in the world's time. */
  get claimsFromMs(): number {
    return (this.#config.claimsFrom - this.#offset) / this.#rate;
  }

  now(): Instant {
    return instant(this.#offset + this.#cluster.nowMs * this.#rate);
  }

  start(adopts = false): void {
    this.isUp = true;
    const at = this.now();
    this.#config = {
      ...this.policy,
      isHeldBack: false,
      claimsFrom: instant(at + this.policy.startupDelayMs),
    };
    this.election = notStarted(at);
    this.feed({ kind: "startup", at, claim: this.#claim(), adopts });
  }

  /** Ends the process without a word; whether it held the address is the result. */
  kill(): boolean {
    const held = this.election.state === "active";
    this.isUp = false;
    this.election = notStarted(this.now());
    this.#timer += 1;
    this.#missed.length = 0;
    this.#isTimerMissed = false;
    return held;
  }

  stop(): void {
    this.feed({ kind: "shutdown", at: this.now(), reason: "stopped" });
  }

  /** Hands the address over by command, as a node that may take it back. */
  handOver(): void {
    this.feed({ kind: "handover", at: this.now(), claim: this.#claim(), reason: "handed over" });
  }

  /** Takes note of what has changed about its claim. */
  reclaim(): void {
    this.feed({ kind: "claim", at: this.now(), claim: this.#claim() });
  }

  /** Stops everything; a paused host's clock stands still too. */
  freeze(how: { readonly isPaused: boolean; readonly hears: boolean }): void {
    this.#frozen ??= { since: this.#cluster.nowMs, ...how };
  }

  /** Goes on, with everything that came in meanwhile; the timer may be read before or after the packets. */
  thaw(isTimerFirst: boolean): void {
    const frozen = this.#frozen;
    if (frozen === null) return;
    this.#frozen = null;
    if (frozen.isPaused) this.#offset -= (this.#cluster.nowMs - frozen.since) * this.#rate;
    const expire = (): void => {
      if (this.#isTimerMissed) this.feed({ kind: "timer", at: this.now() });
      this.#isTimerMissed = false;
    };
    if (isTimerFirst) expire();
    for (const packet of this.#missed.splice(0)) this.#hear(packet);
    expire();
    this.#arm();
  }

  feed(event: ElectionEvent): void {
    if (!this.isUp) return;
    const before = this.election;
    const { next, effects } = step(this.#config, before, event);
    this.election = next;
    if (before.state !== next.state) {
      if (next.state === "active") this.claims += 1;
      this.#cluster.note(this, event);
    }
    for (const effect of effects) {
      if (effect.kind === "sendAdvert" && !this.isCutOff) {
        this.#cluster.send(this, effect.priority, effect.intervalMs ?? this.policy.advertIntervalMs);
      }
    }
    if (next.state === "initialize" && before.state !== "initialize") this.isUp = false;
    this.#arm();
  }

  receive(packet: Packet): void {
    if (!this.isUp || this.isCutOff) return;
    if (this.#frozen === null) this.#hear(packet);
    else if (this.#frozen.hears && this.#missed.length < 500) this.#missed.push(packet);
  }

  #hear(packet: Packet): void {
    // RFC 3768 §7.1: the interval must be the configured one.
    if (this.policy.version === 2 && packet.intervalMs !== this.policy.advertIntervalMs) return;
    this.feed({ kind: "advert", at: this.now(), ...packet });
  }

  #claim(): Claim {
    if (this.isCutOff) return { kind: "cut-off", reason: "no carrier" };
    if (this.isWithdrawn) return { kind: "withdrawn", reason: "a track fails" };
    return this.standing();
  }

  /** The claim it has when nothing withdraws it. */
  standing(): StandingClaim {
    const { priority: base } = this.policy;
    const priority = base === 255 ? 255 : Math.min(254, Math.max(1, base + this.burden));
    return { kind: "standing", priority, source: this.source };
  }

  #arm(): void {
    const { election } = this;
    this.#timer += 1;
    if (election.state === "initialize" || election.state === "fault") return;
    const timer = this.#timer;
    const at = Math.max((election.deadline - this.#offset) / this.#rate, this.#cluster.nowMs);
    this.#cluster.schedule(at + this.#cluster.lateness(), () => {
      if (timer !== this.#timer) return;
      if (this.#frozen === null) this.feed({ kind: "timer", at: this.now() });
      else this.#isTimerMissed = true;
    });
  }
}

/** The segment and what happens on it, in the order of the world's time. */
export class SimulatedCluster {
  nowMs = 0;
  /** Probability that a packet does not reach one receiver. */
  loss = 0;
  maxDelayMs = 0;
  /** How late a timer may be noticed. */
  maxLatenessMs = 0;
  readonly nodes: readonly SimulatedNode[];
  /** When the last packet sent so far arrives. */
  lastArrivalMs = 0;
  /** What to write a line for at every change, if anything. */
  trace: ((line: string) => void) | null = null;
  /** Called after every change of state. */
  changed: () => void = () => undefined;
  readonly #random: () => number;
  readonly #due = new Heap<Due>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));
  #count = 0;

  constructor(policies: readonly NodePolicy[], random: () => number) {
    this.#random = random;
    // A thousandth is what a very bad clock is off.
    const rate = (): number => 1 + (random() - 0.5) * 0.002;
    this.nodes = policies.map((policy, index) => new SimulatedNode(this, index, { policy, rate: rate() }));
  }

  schedule(at: number, run: () => void): void {
    this.#due.add({ at, order: this.#count++, run });
  }

  lateness(): number {
    return this.maxLatenessMs * this.#random();
  }

  send(from: SimulatedNode, priority: number, intervalMs: number): void {
    const packet = { source: from.source, priority, intervalMs };
    for (const to of this.nodes) {
      if (to === from || this.#random() < this.loss || to.island !== from.island) continue;
      const at = this.nowMs + this.#random() * this.maxDelayMs;
      if (at > this.lastArrivalMs) this.lastArrivalMs = at;
      this.schedule(at, () => {
        if (to.island === from.island) to.receive(packet);
      });
    }
  }

  note(node: SimulatedNode, event: ElectionEvent): void {
    this.trace?.(`${node.name} ${node.election.state} at ${event.kind}: ${node.election.reason}`);
    this.changed();
  }

  /** Lets everything happen that is due within `ms`. */
  advance(ms: number): void {
    const end = this.nowMs + ms;
    for (let next = this.#due.first; next !== undefined && next.at <= end; next = this.#due.first) {
      this.#due.take();
      if (next.at > this.nowMs) this.nowMs = next.at;
      next.run();
    }
    this.nowMs = end;
  }
}
