import type { Endpoint, Prefix } from "../base/address.ts";

/** Something outside the elections that changes the claim; src/config/tracks has a file for each kind. */
export type TrackPlan =
  | ScriptTrackPlan
  | InterfaceTrackPlan
  | FileTrackPlan
  | ProcessTrackPlan
  | GatewayTrackPlan
  | ServersTrackPlan
  | BfdTrackPlan
  | RouteTrackPlan;

/** What every track but a file's says about the claim. */
export interface TrackEffect {
  readonly name: string;
  /**
   * −253…−1 is added to the priority while the track fails, 1…253 while it is well, as in keepalived; 0 withdraws
   * the claim while it fails.
   */
  readonly weight: number;
  /** Whether it is meant the other way round: what is well counts as failing. */
  readonly reverse: boolean;
}

/** How long a new state has to last before it counts, in milliseconds; 0 is at once. */
export interface TrackDelays {
  readonly upDelayMs: number;
  readonly downDelayMs: number;
}

/** How often something is asked, and how many answers in a row turn the verdict. */
export interface TrackRhythm {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
}

/** A script whose exit status is the verdict. */
export interface ScriptTrackPlan extends TrackEffect, TrackRhythm {
  readonly kind: "script";
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  /** The most that chance adds to an interval, in milliseconds. */
  readonly jitterMs: number;
  /** User to run it as; null is one without privileges (`edge-ha`, or `nobody`). */
  readonly user: string | null;
}

/** A link that has to have a carrier. */
export interface InterfaceTrackPlan extends TrackEffect, TrackDelays {
  readonly kind: "interface";
  readonly interface: string;
}

/** A file with a number in it that changes the priority or withdraws the claim. */
export interface FileTrackPlan {
  readonly kind: "file";
  readonly name: string;
  readonly path: string;
  /** −254…254: the number times this is added to the priority; 0 withdraws the claim while the number is not 0. */
  readonly weight: number;
}

/** A program that has to run. */
export interface ProcessTrackPlan extends TrackEffect, TrackDelays {
  readonly kind: "process";
  /** A process's name, or with a slash the path it was started with. */
  readonly process: string;
  /** Words that stand one after the other among its arguments; none is any. */
  readonly arguments: readonly string[];
  /** How many have to run. */
  readonly atLeast: number;
}

/** An address that has to answer. */
export interface GatewayTrackPlan extends TrackEffect, TrackRhythm {
  readonly kind: "gateway";
  readonly address: string;
  /** `neighbour` is ARP or neighbour solicitation on the link, `ping` is ICMP echo. */
  readonly method: "neighbour" | "ping";
  /** Where to ask; null is the interface whose network it is in, and for `ping` the way the routes say. */
  readonly interface: string | null;
}

/** A service or upstream that has to have healthy servers. */
export interface ServersTrackPlan extends TrackEffect, TrackDelays {
  readonly kind: "servers";
  /** What they stand behind, such as `service web`. */
  readonly subject: string;
  /** Those that take traffic: neither of weight 0 nor a backup. */
  readonly servers: readonly TrackedServer[];
  /** How many of them have to be healthy. */
  readonly atLeast: number;
}

/** A BFD session that has to be up. */
export interface BfdTrackPlan extends TrackEffect, TrackDelays {
  readonly kind: "bfd";
  /** Name of the session. */
  readonly session: string;
}

/** A route that has to be in a routing table. */
export interface RouteTrackPlan extends TrackEffect, TrackDelays {
  readonly kind: "route";
  /** Exactly this prefix: a wider route is another one. */
  readonly destination: Prefix;
  /** The routing table's number, or its name on the node; 254 is `main`. */
  readonly table: number | string;
  /** The router that it has to go to; null is any, and none. */
  readonly via: string | null;
  /** The interface that it has to go through; null is any. */
  readonly interface: string | null;
}

/** A server and the probe that decides whether it is up; null is always up. */
export interface TrackedServer extends Endpoint {
  readonly probe: string | null;
}
