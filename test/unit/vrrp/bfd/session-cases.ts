import { instant, later, type Instant } from "../../../../src/base/instant.ts";
import type { BfdState, ControlPacket } from "../../../../src/vrrp/bfd/packet.ts";
import { closedSession, sessionDeadline, step } from "../../../../src/vrrp/bfd/session.ts";
import type {
  Session,
  SessionConfig,
  SessionEffect,
  SessionEvent,
} from "../../../../src/vrrp/bfd/session-types.ts";

/** Runs one end of a session by hand: events carry times relative to the start, in milliseconds; no jitter. */
export class SessionCase {
  readonly start: Instant = instant(50_000);
  config: SessionConfig;
  session: Session;
  effects: readonly SessionEffect[] = [];
  chance = 0;

  constructor(config: Partial<SessionConfig> = {}) {
    this.config = {
      desiredMinTxUs: 10_000,
      requiredMinRxUs: 10_000,
      detectMultiplier: 3,
      peer: "192.0.2.11",
      ...config,
    };
    this.session = closedSession(this.config, 7, this.start);
  }

  feed(event: SessionEvent): this {
    const { next, effects } = step(this.config, this.session, event);
    this.session = next;
    this.effects = effects;
    return this;
  }

  open(ms = 0): this {
    return this.feed({ kind: "open", at: this.at(ms), chance: this.chance });
  }

  hear(ms: number, state: BfdState, more: Partial<ControlPacket> = {}): this {
    return this.feed({ kind: "packet", at: this.at(ms), chance: this.chance, packet: packet(state, more) });
  }

  timer(ms: number): this {
    return this.feed({ kind: "timer", at: this.at(ms), chance: this.chance });
  }

  configure(ms: number, config: Partial<SessionConfig>): this {
    this.config = { ...this.config, ...config };
    return this.feed({ kind: "configure", at: this.at(ms), chance: this.chance });
  }

  /** Goes up at 1 ms with a peer of 10 ms, and has its poll answered at 2 ms. */
  up(): this {
    return this.open().hear(0.5, "down").hear(1, "up").hear(2, "up", { isFinal: true });
  }

  at(ms: number): Instant {
    return later(this.start, ms);
  }

  /** The last packet of the last event. */
  get sent(): ControlPacket | undefined {
    return this.effects.flatMap((effect) => (effect.kind === "send" ? [effect.packet] : [])).at(-1);
  }

  /** Packets of the last event by state and flags, changes as `from → to`. */
  get did(): readonly string[] {
    return this.effects.map((effect) => {
      if (effect.kind === "change") return `${effect.from} → ${effect.to}`;
      const { state, isPoll, isFinal } = effect.packet;
      return `${state}${isPoll ? " P" : ""}${isFinal ? " F" : ""}`;
    });
  }

  get cause(): string | null {
    return this.effects.flatMap((effect) => (effect.kind === "change" ? [effect.cause] : []))[0] ?? null;
  }

  get sendMs(): number | null {
    return this.#since(this.session.sendDeadline);
  }

  get detectMs(): number | null {
    return this.#since(this.session.detectDeadline);
  }

  get nextMs(): number | null {
    return this.#since(sessionDeadline(this.session));
  }

  #since(at: Instant | null): number | null {
    return at === null ? null : Math.round((at - this.start) * 1000) / 1000;
  }
}

/** A packet of a peer that sends every 10 ms while it is up. */
export function packet(state: BfdState, more: Partial<ControlPacket> = {}): ControlPacket {
  return {
    state,
    diagnostic: 0,
    isPoll: false,
    isFinal: false,
    isControlPlaneIndependent: false,
    isDemand: false,
    detectMultiplier: 3,
    myDiscriminator: 9,
    yourDiscriminator: state === "down" ? 0 : 7,
    desiredMinTxUs: state === "up" ? 10_000 : 1_000_000,
    requiredMinRxUs: 10_000,
    requiredMinEchoRxUs: 0,
    ...more,
  };
}
