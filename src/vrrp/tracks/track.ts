import type { Log } from "../../base/log.ts";
import type { TrackPlan } from "../../config/track-plan.ts";
import type { InterfaceAddress } from "../../kernel/rtnetlink.ts";
import type { Host } from "../host.ts";
import type { Interfaces } from "../interfaces.ts";
import type { Burden, Sight } from "../tracking.ts";
import type { Verdicts } from "../verdicts.ts";

/** One tracked thing, followed from `start` to `stop`; there is a file for each kind. */
export interface Track {
  readonly plan: TrackPlan;
  /** Begins to follow it. */
  start(): void;
  /**
   * Looks at what was just heard of links, addresses and verdicts; the caller weighs the claims again afterwards, so
   * that nothing need be told.
   */
  look(): void;
  /** Says what it adds to the claims that depend on it, or null if nothing. */
  burden(): Burden | null;
  /** Ends it. */
  stop(): void;
}

/** What the tracks of a process share. */
export interface TrackNeeds {
  readonly host: Host;
  readonly interfaces: Interfaces;
  /** What the health checks found. */
  readonly verdicts: Verdicts;
  /** Tells whether an address of this host is one that moves between nodes. */
  readonly isVirtual: (own: InterfaceAddress) => boolean;
  /** Tells how a BFD session looks; null while nothing is known of it, or there is none of this name. */
  readonly bfd: (session: string) => Sight | null;
  readonly log: Log;
  /** Called when what a track means for the claims has changed, other than in `look`. */
  readonly changed: () => void;
}
