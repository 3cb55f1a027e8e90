import type { Instant } from "../../base/instant.ts";
import type { BfdState, ControlPacket } from "./packet.ts";

/** What the events and states of a BFD session are made of: PURE. Microseconds are those of the wire. */

/** What a session is run by; it may be replaced between two events, with a `configure` event after it. */
export interface SessionConfig {
  /** How often we would like to send while up: bfd.DesiredMinTxInterval. */
  readonly desiredMinTxUs: number;
  /** How often we can bear to receive: bfd.RequiredMinRxInterval. */
  readonly requiredMinRxUs: number;
  /** How many of our packets may be missing in a row before the peer takes us for dead. */
  readonly detectMultiplier: number;
  /** Text address of the peer, for reasons. */
  readonly peer: string;
}

/** Something that happened, with its own time; those that may send bring a random number in [0, 1) for the jitter. */
export type SessionEvent =
  /** There is a way to send: begins in `down`, or goes on from a cut. */
  | { readonly kind: "open"; readonly at: Instant; readonly chance: number }
  /** There is none any more, for a reason of this host. */
  | { readonly kind: "cut"; readonly at: Instant; readonly reason: string }
  /** A packet that passed every check of reception and is meant for this session. */
  | {
      readonly kind: "packet";
      readonly at: Instant;
      readonly chance: number;
      readonly packet: ControlPacket;
    }
  /** A deadline in the state has passed, and everything that had come before was fed in. */
  | { readonly kind: "timer"; readonly at: Instant; readonly chance: number }
  /** The configuration was replaced. */
  | { readonly kind: "configure"; readonly at: Instant; readonly chance: number }
  /** The session ends by the operator's will (RFC 5880 §6.8.16). */
  | { readonly kind: "disable"; readonly at: Instant; readonly chance: number; readonly reason: string };

/** What the last packet of the other side said. */
export interface Remote {
  readonly discriminator: number;
  readonly state: BfdState;
  readonly diagnostic: number;
  readonly desiredMinTxUs: number;
  readonly requiredMinRxUs: number;
  readonly detectMultiplier: number;
  readonly isDemand: boolean;
}

/** One end of a session. */
export interface Session {
  readonly state: BfdState;
  readonly since: Instant;
  /** Why the session is in this state. */
  readonly reason: string;
  readonly localDiscriminator: number;
  /** bfd.LocalDiag: why the session was last taken down. */
  readonly diagnostic: number;
  /** Null before the first packet and once the other side has been silent for a detection time. */
  readonly remote: Remote | null;
  /** What our packets say. */
  readonly desiredMinTxUs: number;
  readonly requiredMinRxUs: number;
  /** What is in force: after an increase, or a reduction, only once the peer has confirmed it (§6.8.3). */
  readonly usedMinTxUs: number;
  readonly usedMinRxUs: number;
  /** `again`: another change came while a poll sequence was under way. */
  readonly poll: "none" | "polling" | "again";
  /** Whether there is a way to send. */
  readonly isOpen: boolean;
  readonly sentAt: Instant | null;
  /** When the next periodic packet is due. */
  readonly sendDeadline: Instant | null;
  /** When the other side counts as dead. */
  readonly detectDeadline: Instant | null;
  /** The detection time ran out when this host had overslept it, and was put off once. */
  readonly hasOverslept: boolean;
}

/**
 * Why a session is not up any more: the peer fell silent, said so, was taken down by its operator or by ours, or this
 * host has no way to it.
 */
export type DownCause = "silent" | "signaled" | "administrative" | "disabled" | "cut";

/** What the shell has to do, in this order. */
export type SessionEffect =
  | { readonly kind: "send"; readonly packet: ControlPacket }
  | {
      readonly kind: "change";
      readonly from: BfdState;
      readonly to: BfdState;
      readonly reason: string;
      /** Null unless the session went down. */
      readonly cause: DownCause | null;
    };

/** The outcome of one event. */
export interface Stepped {
  readonly next: Session;
  readonly effects: readonly SessionEffect[];
}
