import { unreachable } from "../../base/assert.ts";
import { later, type Instant } from "../../base/instant.ts";
import type { Log } from "../../base/log.ts";
import { errorText } from "../../base/system-error.ts";
import type { BfdSessionPlan } from "../../config/bfd-plan.ts";
import type { BfdStatus } from "../../ipc/status.ts";
import type { Sight } from "../tracking.ts";
import { Complaints } from "../complaints.ts";
import type { Deadlines } from "../deadlines.ts";
import type { Host } from "../host.ts";
import { BfdCounters } from "./bfd-counters.ts";
import type { Sender, Way } from "./bfd-host.ts";
import { diagnosticText } from "./diagnostic.ts";
import { type BfdState, type ControlPacket, encodeControl } from "./packet.ts";
import { closedSession, sessionDeadline, step } from "./session.ts";
import type { DownCause, Session, SessionConfig, SessionEffect, SessionEvent } from "./session-types.ts";
import { detectionMs, transmitMs } from "./timing.ts";

/** What the endpoints of a process share. */
export interface EndpointNeeds {
  readonly host: Pick<Host, "clock" | "bfd">;
  readonly deadlines: Deadlines;
  readonly log: Log;
  /** Called after every change of state; the cause is null unless the session went down. */
  readonly changed: (endpoint: Endpoint, cause: DownCause | null) => void;
}

/** This host's end of one session: carries out what session.ts decides, and feeds it what happens. */
export class Endpoint {
  readonly counters: BfdCounters = new BfdCounters();
  readonly #needs: EndpointNeeds;
  readonly #complaints = new Complaints();
  readonly #deadlineName: string;
  #plan: BfdSessionPlan;
  #session: Session;
  #since: Date;
  #detectionMs = 0;
  /** Whether it has been up, or has had the time for it: before that, being down says nothing. */
  #isSettled = false;
  #downCause: DownCause | null = null;
  readonly #cancelGrace: () => void;
  #open: { readonly way: Way; readonly sender: Sender; readonly drain: () => void } | null = null;

  constructor(plan: BfdSessionPlan, discriminator: number, needs: EndpointNeeds) {
    this.#plan = plan;
    this.#needs = needs;
    this.#session = closedSession(configOf(plan), discriminator, needs.host.clock.now());
    this.#since = needs.host.clock.wallTime();
    this.#deadlineName = `bfd ${discriminator}`;
    const { clock } = needs.host;
    this.#cancelGrace = clock.schedule(later(clock.now(), graceMs), () => {
      this.#isSettled = true;
      if (this.#session.state !== "up") needs.changed(this, null);
    });
  }

  get plan(): BfdSessionPlan {
    return this.#plan;
  }

  get discriminator(): number {
    return this.#session.localDiscriminator;
  }

  get state(): BfdState {
    return this.#session.state;
  }

  /** Why it is in its state. */
  get reason(): string {
    return this.#session.reason;
  }

  /** How it looks to a track; null while nothing is known. What an operator ended says nothing (RFC 5882 §3.2). */
  sight(): Sight | null {
    const { state, reason } = this.#session;
    if (state === "up") return { isUp: true, text: reason };
    if (!this.#isSettled || this.#downCause === "administrative") return null;
    return { isUp: false, text: reason };
  }

  /** How long the peer may be silent, or might when it was last heard. */
  get detectionMs(): number {
    return this.#detectionMs;
  }

  /** Begins to speak along a way; `drain` hands over what has arrived. Throws `SystemError`. */
  open(way: Way, drain: () => void): void {
    this.#close();
    this.#open = { way, sender: this.#needs.host.bfd.reach(way), drain };
    this.#handle({ kind: "open", ...this.#moment() });
  }

  /** Takes note that there is no way to the peer. */
  cut(reason: string): void {
    this.#close();
    if (this.#session.isOpen || this.#session.reason !== reason) {
      this.#handle({ kind: "cut", at: this.#now(), reason });
    }
  }

  /** Tells where it speaks, or null. */
  get way(): Way | null {
    return this.#open?.way ?? null;
  }

  /** Goes on with other intervals. */
  configure(plan: BfdSessionPlan): void {
    this.#plan = plan;
    this.#handle({ kind: "configure", ...this.#moment() });
  }

  /** Takes in a packet that is meant for this session. */
  receive(packet: ControlPacket): void {
    this.counters.count("received");
    this.#handle({ kind: "packet", ...this.#moment(), packet });
  }

  /** Counts and reports a packet from the peer that is none of this session's. */
  refuse(cause: Parameters<BfdCounters["countDrop"]>[0], explanation: string): void {
    this.counters.countDrop(cause);
    this.#complain(`packet from ${this.#plan.peer} dropped: ${explanation}`, cause);
  }

  /** Tells the peer that this is no failure, and ends. */
  disable(reason: string): void {
    this.#handle({ kind: "disable", ...this.#moment(), reason });
    this.#close();
    this.#cancelGrace();
    this.#needs.deadlines.clear(this.#deadlineName);
  }

  /** Says how it stands. */
  status(): BfdStatus {
    const { name, interface: on, peer } = this.#plan;
    const session = this.#session;
    const { remote, diagnostic, localDiscriminator } = session;
    return {
      name,
      interface: on,
      peer,
      source: this.#open?.way.source ?? null,
      state: stateNames[session.state],
      since: this.#since.toISOString(),
      reason: session.reason,
      diagnostic: diagnosticText(diagnostic),
      transmitIntervalMs: session.isOpen ? transmitMs(session) : null,
      detectionMs: remote === null ? null : this.#detectionMs,
      localDiscriminator,
      remote:
        remote === null
          ? null
          : {
              state: stateNames[remote.state],
              diagnostic: diagnosticText(remote.diagnostic),
              discriminator: remote.discriminator,
              multiplier: remote.detectMultiplier,
              transmitIntervalMs: remote.desiredMinTxUs / 1000,
              receiveIntervalMs: remote.requiredMinRxUs / 1000,
            },
      counters: this.counters.values(),
    };
  }

  #handle(event: SessionEvent): void {
    const { next, effects } = step(configOf(this.#plan), this.#session, event);
    this.#session = next;
    if (next.remote !== null) this.#detectionMs = detectionMs(next.remote, next.usedMinRxUs);
    for (const effect of effects) this.#carryOut(effect);
    const deadline = sessionDeadline(this.#session);
    if (deadline === null) this.#needs.deadlines.clear(this.#deadlineName);
    else this.#needs.deadlines.set(this.#deadlineName, deadline, () => this.#expire());
  }

  #carryOut(effect: SessionEffect): void {
    switch (effect.kind) {
      case "send":
        return this.#send(effect.packet);
      case "change": {
        const { from, to, reason, cause } = effect;
        const text = `bfd ${this.#plan.name}: ${stateNames[from]} → ${stateNames[to]}: ${reason}`;
        // Being on the way up is nothing to wake anybody for.
        if (to === "init" || (from === "init" && to === "down")) this.#needs.log.info(text);
        else this.#needs.log.notice(text);
        this.#since = this.#needs.host.clock.wallTime();
        if (to === "up") this.#isSettled = true;
        if (cause !== null || to === "up") this.#downCause = cause;
        if (to === "up") this.counters.count("becameUp");
        if (from === "up") this.counters.count("wentDown");
        if (from === "up" && cause === "silent") this.counters.count("wentDownSilent");
        return this.#needs.changed(this, cause);
      }
      default:
        return unreachable(effect);
    }
  }

  #expire(): void {
    const { detectDeadline } = this.#session;
    // This process may have been late, and the peer's packets wait to be read: nobody is silent before that.
    if (detectDeadline !== null && this.#now() >= detectDeadline) this.#open?.drain();
    this.#handle({ kind: "timer", ...this.#moment() });
  }

  #send(packet: ControlPacket): void {
    try {
      this.#open?.sender.send(encodeControl(packet));
      this.counters.count("sent");
    } catch (error) {
      this.counters.count("sendErrors");
      this.#complain(`a packet could not be sent: ${errorText(error)}`);
    }
  }

  #complain(text: string, kind: string = text): void {
    if (this.#complaints.isDue(kind, this.#now())) this.#needs.log.warning(`bfd ${this.#plan.name}: ${text}`);
  }

  #close(): void {
    this.#open?.sender.close();
    this.#open = null;
  }

  #moment(): { readonly at: Instant; readonly chance: number } {
    return { at: this.#now(), chance: this.#needs.host.bfd.random() };
  }

  #now(): Instant {
    return this.#needs.host.clock.now();
  }
}

/** Sessions speak once a second until they are up; a few lost packets are no failure. */
const graceMs = 5000;

/** States as an operator reads them. */
const stateNames: Readonly<Record<BfdState, BfdStatus["state"]>> = {
  adminDown: "admin-down",
  down: "down",
  init: "init",
  up: "up",
};

function configOf(plan: BfdSessionPlan): SessionConfig {
  return {
    desiredMinTxUs: plan.intervalMs * 1000,
    requiredMinRxUs: plan.minReceiveMs * 1000,
    detectMultiplier: plan.multiplier,
    peer: plan.peer,
  };
}
