import { unreachable } from "../base/assert.ts";
import type { VrrpPlan } from "../config/node-plan.ts";
import type { TrackPlan } from "../config/track-plan.ts";
import type { Host, UserIds } from "./host.ts";
import type { Burden } from "./tracking.ts";
import { BfdTrack } from "./tracks/bfd-track.ts";
import { FileTrack } from "./tracks/file-track.ts";
import { GatewayTrack } from "./tracks/gateway-track.ts";
import { LinkTrack } from "./tracks/link-track.ts";
import { ProcessTrack } from "./tracks/process-track.ts";
import { ScriptTrack } from "./tracks/script-track.ts";
import { ServersTrack } from "./tracks/servers-track.ts";
import type { TalliedVerdict } from "./tracks/tallied-verdict.ts";
import type { Track, TrackNeeds } from "./tracks/track.ts";

/** How tracks are exchanged. */
interface Exchange {
  readonly users: ReadonlyMap<string | null, UserIds | null>;
  readonly isAdopting: boolean;
}

/** Every track of this node by its name. */
export class Tracks {
  readonly #needs: TrackNeeds;
  readonly #tracks = new Map<string, Track>();

  constructor(needs: TrackNeeds) {
    this.#needs = needs;
  }

  /** Goes over to other tracks; those that are the same go on. */
  exchange(plans: readonly TrackPlan[], how: Exchange): void {
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
      track.start();
    }
    for (const old of before.values()) old.stop();
  }

  /** Has every track look at what was just heard. */
  look(): void {
    for (const track of this.#tracks.values()) track.look();
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

  #make(plan: TrackPlan, old: Track | undefined, how: Exchange): Track {
    switch (plan.kind) {
      case "interface":
        return new LinkTrack(plan, this.#needs);
      case "file":
        return new FileTrack(plan, this.#needs);
      case "process":
        return new ProcessTrack(plan, this.#needs);
      case "bfd":
        return new BfdTrack(plan, this.#needs);
      case "servers":
        return new ServersTrack(plan, this.#needs);
      case "gateway":
        return new GatewayTrack(plan, this.#needs, {
          before: verdictOf(old, plan),
          isAdopted: how.isAdopting,
        });
      case "script": {
        const user = how.users.get(plan.user) ?? null;
        const from = { user, before: verdictOf(old, plan), isAdopted: how.isAdopting };
        return new ScriptTrack(plan, this.#needs, from);
      }
      default:
        return unreachable(plan);
    }
  }
}

/** What was found in another rhythm stays true. */
function verdictOf(old: Track | undefined, { kind }: TrackPlan): TalliedVerdict | null {
  if (old?.plan.kind !== kind) return null;
  return old instanceof ScriptTrack || old instanceof GatewayTrack ? old.verdict : null;
}

/** Finds the users that a plan's scripts run as; throws if there is none of a name. */
export function usersOf(
  { tracks }: Pick<VrrpPlan, "tracks">,
  host: Pick<Host, "resolveUser">,
): ReadonlyMap<string | null, UserIds | null> {
  const names = new Set(tracks.flatMap((track) => (track.kind === "script" ? [track.user] : [])));
  return new Map([...names].map((name) => [name, host.resolveUser(name)]));
}
