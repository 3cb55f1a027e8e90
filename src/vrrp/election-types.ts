import type { Instant } from "../base/instant.ts";

/** What the events and states of an election are made of: PURE. */

/** What an election is run by; it may be replaced between two events. */
export interface ElectionConfig {
  readonly version: 2 | 3;
  readonly advertIntervalMs: number;
  /** After how many intervals without a word the active router counts as gone; 3 in the RFCs. */
  readonly downAfter: number;
  /** Preempt_Mode; the address owner preempts regardless (RFC 9568 §6.1). */
  readonly preempts: boolean;
  /** How long a router of lower priority is followed before it is preempted; not by the address owner. */
  readonly preemptDelayMs: number;
  /**
   * Whether this router does not preempt for now: another member of its sync group follows a live router, or the holder
   * was asked to hand over.
   */
  readonly isHeldBack: boolean;
  /** How long a router that leaves goes on answering once it has heard who takes over. */
  readonly overlapMs: number;
  /** End of the start-up delay: until then silence proves nothing, and nobody is preempted. */
  readonly claimsFrom: Instant;
}

/** A claim with which a router takes part. */
export interface StandingClaim {
  readonly kind: "standing";
  /** 1–254, or 255 for the address owner. */
  readonly priority: number;
  /** By which priority Skew_Time is reckoned, where it is not by that of the advertisements. */
  readonly skewPriority?: number;
  /** Source of its advertisements; breaks ties. */
  readonly source: string;
}

/** Why a router takes no part: of its own will (it can still say so), or cut off from the network. */
export interface NoClaim {
  readonly kind: "withdrawn" | "cut-off";
  readonly reason: string;
}

/** Whether and with what a router takes part. */
export type Claim = StandingClaim | NoClaim;

/** Something that happened, with its own time. */
export type ElectionEvent =
  /** The instance begins; `adopts` if an earlier process of this host held the addresses and they are still there. */
  | { readonly kind: "startup"; readonly at: Instant; readonly claim: Claim; readonly adopts: boolean }
  | { readonly kind: "shutdown"; readonly at: Instant; readonly reason: string }
  /** The deadline in the state has passed. */
  | { readonly kind: "timer"; readonly at: Instant }
  /** An advertisement that passed every check of reception. */
  | {
      readonly kind: "advert";
      readonly at: Instant;
      readonly source: string;
      readonly priority: number;
      readonly intervalMs: number;
    }
  /** BFD says that a router is silent: if it is the one that is followed, it counts as gone after `waitMs`. */
  | {
      readonly kind: "lost";
      readonly at: Instant;
      readonly source: string;
      readonly waitMs: number;
      /** A deadline that was overslept by more than this is put off once for a whole interval. */
      readonly graceMs: number;
      readonly reason: string;
    }
  /** The claim as it is now, changed or not. */
  | { readonly kind: "claim"; readonly at: Instant; readonly claim: Claim }
  /** The configuration was replaced. */
  | { readonly kind: "configure"; readonly at: Instant }
  /** The sync group became active: do so without waiting for the deadline. */
  | { readonly kind: "lead"; readonly at: Instant; readonly reason: string }
  /** The sync group lost its role. */
  | { readonly kind: "yield"; readonly at: Instant; readonly reason: string }
  /** The operator hands the addresses over; `claim` is the one it has from now on. */
  | { readonly kind: "handover"; readonly at: Instant; readonly claim: Claim; readonly reason: string }
  /** The operator wants the addresses back: a preempt delay is over. */
  | { readonly kind: "back"; readonly at: Instant }
  /** The deadline has passed, but the sync group may not claim. */
  | { readonly kind: "hold"; readonly at: Instant }
  /** The holder, which is outranked, was asked to hand over: what is due waits for that. */
  | { readonly kind: "wait"; readonly at: Instant };

/** The last advertisement heard, and what it meant. */
export interface Heard {
  readonly at: Instant;
  readonly source: string;
  readonly priority: number;
  /**
   * `followed` re-armed the deadline; `tolerated` too, but only because this router is held back;
   * `outranked` was below ours, `resigned` was priority 0.
   */
  readonly verdict: "followed" | "tolerated" | "outranked" | "resigned";
}

interface Standing {
  readonly since: Instant;
  /** Why the election is in this state. */
  readonly reason: string;
}

/** Not started, or stopped. */
export interface Initialize extends Standing {
  readonly state: "initialize";
}

/** Watches the active router. */
export interface Backup extends Standing {
  readonly state: "backup";
  readonly claim: StandingClaim;
  /** When Active_Down_Timer runs out. */
  readonly deadline: Instant;
  /** Active_Adver_Interval. */
  readonly activeIntervalMs: number;
  readonly heard: Heard | null;
  /** When the preempt delay is over; null while no router of lower priority has been heard as active. */
  readonly preemptsFrom: Instant | null;
  /** Its deadline came when this host had overslept it, and was put off once. */
  readonly hasOverslept: boolean;
  /** Its deadline has passed and it was held back: it knows nothing of anybody who is alive any more. */
  readonly isHeld: boolean;
  /** BFD's word that the router it follows is silent; null as long as that is heard. */
  readonly lost: Loss | null;
}

/** Why a router counts as gone before its time. */
export interface Loss {
  readonly graceMs: number;
  readonly reason: string;
}

/** Holds the addresses. */
export interface Active extends Standing {
  readonly state: "active";
  readonly claim: StandingClaim;
  /** When Adver_Timer runs out. */
  readonly deadline: Instant;
  /** When the addresses were announced last. */
  readonly announcedAt: Instant;
  /** When another's advertisement was answered last. */
  readonly answeredAt: Instant | null;
  /** This host slept for so long that another may have taken over: it listens before it speaks. */
  readonly mayBeReplaced: boolean;
}

/** Has resigned, and goes on answering until another router is heard or the deadline passes. */
export interface Leaving extends Standing {
  readonly state: "leaving";
  /** The claim as it is now; a router that stops has no use for it. */
  readonly claim: Claim;
  /** When it gives up waiting for another router; once that was heard, when it stops answering. */
  readonly deadline: Instant;
  /** Source of the router that takes over; null until one is heard. */
  readonly successor: string | null;
  /** From when on an advertisement means that another router has taken over. */
  readonly heedsFrom: Instant;
  /** Whether it goes to `initialize` afterwards, and not to `fault`. */
  readonly isStopping: boolean;
  /** Whether the operator wants another to have them: if there is none, it becomes active again. */
  readonly isHandover: boolean;
}

/** May not take part at present. */
export interface Fault extends Standing {
  readonly state: "fault";
  readonly claim: NoClaim;
}

/** One virtual router's election on this host. */
export type Election = Initialize | Backup | Active | Leaving | Fault;

/** What the shell has to do, in this order. */
export type ElectionEffect =
  /** `intervalMs` is the interval it names if that is not this router's own. */
  | { readonly kind: "sendAdvert"; readonly priority: number; readonly intervalMs?: number }
  | { readonly kind: "addAddresses" }
  | { readonly kind: "removeAddresses" }
  /** Gratuitous ARP for every address. */
  | { readonly kind: "announce" }
  | {
      readonly kind: "notify";
      readonly from: Election["state"];
      readonly to: Election["state"];
      readonly reason: string;
    };

/** The outcome of one event. */
export interface Stepped {
  readonly next: Election;
  readonly effects: readonly ElectionEffect[];
}
