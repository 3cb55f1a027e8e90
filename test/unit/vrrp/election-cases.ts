import { instant, later, type Instant } from "../../../src/base/instant.ts";
import { notStarted, step } from "../../../src/vrrp/election.ts";
import type {
  Claim,
  Election,
  ElectionConfig,
  ElectionEffect,
  ElectionEvent,
} from "../../../src/vrrp/election-types.ts";

/** Runs one election by hand: events carry times relative to the start, in milliseconds. */
export class ElectionCase {
  readonly start: Instant = instant(50_000);
  config: ElectionConfig;
  election: Election = notStarted(this.start);
  effects: readonly ElectionEffect[] = [];

  constructor(config: Partial<ElectionConfig> = {}) {
    this.config = {
      version: 3,
      advertIntervalMs: 1000,
      downAfter: 3,
      preempts: true,
      preemptDelayMs: 0,
      isHeldBack: false,
      overlapMs: 0,
      claimsFrom: this.start,
      ...config,
    };
  }

  /** Feeds one event; `effects` are those of this one. */
  feed(event: ElectionEvent): this {
    const { next, effects } = step(this.config, this.election, event);
    this.election = next;
    this.effects = effects;
    return this;
  }

  startup(claim: Claim = standing(), adopts = false): this {
    return this.feed({ kind: "startup", at: this.start, claim, adopts });
  }

  /** Goes on to `active` by the deadline of an election nobody else takes part in. */
  becomeActive(claim: Claim = standing()): this {
    this.startup(claim);
    return this.election.state === "backup" ? this.feed({ kind: "timer", at: this.election.deadline }) : this;
  }

  advert(ms: number, priority: number, more: { source?: string; intervalMs?: number } = {}): this {
    const { source = "192.0.2.11", intervalMs = 1000 } = more;
    return this.feed({ kind: "advert", at: this.at(ms), source, priority, intervalMs });
  }

  timer(ms: number): this {
    return this.feed({ kind: "timer", at: this.at(ms) });
  }

  claim(ms: number, claim: Claim): this {
    return this.feed({ kind: "claim", at: this.at(ms), claim });
  }

  at(ms: number): Instant {
    return later(this.start, ms);
  }

  /** When the deadline is, relative to the start; null in a state without one. */
  get deadlineMs(): number | null {
    const { election } = this;
    if (election.state === "initialize" || election.state === "fault") return null;
    return Math.round((election.deadline - this.start) * 1000) / 1000;
  }

  /** Names of the effects in order, an advertisement with its priority. */
  get did(): readonly string[] {
    return this.effects.map((effect) => {
      return effect.kind === "sendAdvert" ? `sendAdvert ${effect.priority}` : effect.kind;
    });
  }
}

/** Makes a claim of 192.0.2.10. */
export function standing(priority = 100): Claim {
  return { kind: "standing", priority, source: "192.0.2.10" };
}
