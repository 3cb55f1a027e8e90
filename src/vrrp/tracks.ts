import { unreachable } from "../base/assert.ts";
import type { Log } from "../base/log.ts";
import type { TrackPlan } from "../config/node-plan.ts";
import { FileTrack } from "./file-track.ts";
import type { Host, UserIds } from "./host.ts";
import type { Interfaces } from "./interfaces.ts";
import { LinkTrack } from "./link-track.ts";
import { continuedTally, TrackRunner } from "./track-runner.ts";
import type { Burden } from "./tracking.ts";

/** What the tracks of a process share. */
export interface TracksNeeds {
  readonly host: Host;
  readonly interfaces: Interfaces;
  readonly log: Log;
  /** Called when what any of them means for the claims has changed. */
  readonly changed: () => void;
}

type Track = TrackRunner | LinkTrack | FileTrack;

/** Every track of this node by its name. */
export class Tracks {
  readonly #needs: TracksNeeds;
  readonly #tracks = new Map<string, Track>();

  constructor(needs: TracksNeeds) {
    this.#needs = needs;
  }

  /** Goes over to other tracks; those that are the same go on. */
  exchange(
    plans: readonly TrackPlan[],
    how: { readonly users: ReadonlyMap<string, UserIds>; readonly isAdopting: boolean },
  ): void {
    const before = new Map(this.#tracks);
    this.#tracks.clear();
    for (const plan of plans) {
      const old = before.get(plan.name);
      if (old !== undefined && JSON.stringify(old.plan) === JSON.stringify(plan)) {
        this.#tracks.set(plan.name, old);
        before.delete(plan.name);
        continue;
      }
      const track = this.#make(plan, old, how);
      this.#tracks.set(plan.name, track);
      if (!(track instanceof LinkTrack)) track.start();
    }
    for (const old of before.values()) old.stop();
  }

  /** Looks at every tracked link. */
  look(): void {
    for (const track of this.#tracks.values()) if (track instanceof LinkTrack) track.look();
  }

  /** Gives what speaks for or against a claim that depends on these tracks. */
  burdens(names: readonly string[]): readonly Burden[] {
    return names.flatMap((name) => this.#tracks.get(name)?.burden() ?? []);
  }

  /** Ends them all. */
  stop(): void {
    for (const track of this.#tracks.values()) track.stop();
    this.#tracks.clear();
  }

  #make(
    plan: TrackPlan,
    old: Track | undefined,
    how: { readonly users: ReadonlyMap<string, UserIds>; readonly isAdopting: boolean },
  ): Track {
    switch (plan.kind) {
      case "interface":
        return new LinkTrack(plan, this.#needs);
      case "file":
        return new FileTrack(plan, this.#needs);
      case "script": {
        const user = plan.user === null ? null : (how.users.get(plan.user) ?? null);
        const before = old instanceof TrackRunner ? old : undefined;
        return new TrackRunner(plan, this.#needs, { user, tally: continuedTally(before, how.isAdopting) });
      }
      default:
        return unreachable(plan);
    }
  }
}
