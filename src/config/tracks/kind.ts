import type { TrackConfig } from "../config.ts";
import type { Finding } from "../finding.ts";
import type { Model } from "../model.ts";
import type { TrackEntry } from "../schema/track.ts";
import type { Element } from "../sections.ts";
import type { TrackDelays, TrackEffect } from "../track-plan.ts";

/**
 * One kind of thing that can be tracked, as the configuration knows it. To add one: its plan in track-plan.ts, its keys
 * in schema/track.ts, a file here, its line in describe-tracks.ts, and its runtime in src/vrrp/tracks.
 */
export interface TrackKind {
  /** The key of `[[track]]` that says what is tracked. */
  readonly subject: TrackSubject;
  /** The keys that mean something beside it; one that is another kind's subject is no subject then. */
  readonly keys: readonly (keyof TrackEntry)[];
  /** What a track of this kind is called that has no name. */
  readonly calledAfter: (entry: TrackEntry) => string;
  /** Makes the configuration of a track whose subject is given. */
  readonly read: (entry: TrackEntry, effect: TrackEffect) => TrackConfig;
  /** Finds what is wrong beyond the keys themselves. */
  readonly rules: (track: TrackElement, model: Model) => readonly Finding[];
}

/** The keys that can be a subject. */
export type TrackSubject =
  | "script"
  | "interface"
  | "file"
  | "process"
  | "gateway"
  | "service"
  | "upstream"
  | "bfd"
  | "route";

/** A `[[track]]` and where it stands. */
export type TrackElement = Element<TrackEntry>;

/** Reads the delays of a kind that has them. */
export function delaysOf(entry: TrackEntry): TrackDelays {
  return { upDelayMs: entry.up_delay ?? 0, downDelayMs: entry.down_delay ?? 0 };
}
