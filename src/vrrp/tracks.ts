import { unreachable } from "../base/assert.ts";
import type { TrackPlan } from "../config/track-plan.ts";
import type { UserIds } from "../base/program.ts";
import { tableNumbers } from "./routing-tables.ts";
import type { Burden } from "./tracking.ts";
import { BfdTrack } from "./tracks/bfd-track.ts";
import { FileTrack } from "./tracks/file-track.ts";
import { GatewayTrack } from "./tracks/gateway-track.ts";
import { LinkTrack } from "./tracks/link-track.ts";
import { ProcessTrack } from "./tracks/process-track.ts";
import { RouteTrack } from "./tracks/route-track.ts";
import { ScriptTrack } from "./tracks/script-track.ts";
import { ServersTrack } from "./tracks/servers-track.ts";
import type { TalliedVerdict } from "./tracks/tallied-verdict.ts";
import type { Track, TrackNeeds } from "./tracks/track.ts";

/** What the names in tracks stand for on this host. */
export interface TrackNames {
  readonly users: ReadonlyMap<string | null, UserIds | null>;
  readonly tables: ReadonlyMap<string, number>;
}

/** How tracks are exchanged. */
interface Exchange {
  readonly names: TrackNames;
  readonly isAdopting: boolean;
}

/** Every track of this node by its name. */
export class Tracks {
  readonly #needs: TrackNeeds;
  readonly #tracks = new Map<string, Track>();

  constructor(needs: TrackNeeds) {
    this.#needs = needs;
  }

  /** Looks up the names in tracks; throws for one that this host does not know. */
  prepare(plans: readonly TrackPlan[]): TrackNames {
    const { host } = this.#needs;
    const users = new Set(plans.flatMap((plan) => (plan.kind === "script" ? [plan.user] : [])));
    const tables = plans.flatMap((plan) =>
      plan.kind === "route" ? [{ name: `track ${plan.name}`, tables: [plan.table] }] : [],
    );
    return {
      users: new Map([...users].map((name) => [name, host.resolveUser(name)])),
      tables: tableNumbers(tables, host),
    };
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
      case "route":
        return new RouteTrack(plan, this.#needs, {
          table: numberOf(plan.table, how.names),
          before: old instanceof RouteTrack ? old : null,
        });
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
        const user = how.names.users.get(plan.user) ?? null;
        const from = { user, before: verdictOf(old, plan), isAdopted: how.isAdopting };
        return new ScriptTrack(plan, this.#needs, from);
      }
      default:
        return unreachable(plan);
    }
  }
}

/** Every name was looked up before anything was changed. */
function numberOf(table: number | string, { tables }: TrackNames): number {
  return typeof table === "number" ? table : (tables.get(table) ?? 0);
}

/** What was found in another rhythm stays true. */
function verdictOf(old: Track | undefined, { kind }: TrackPlan): TalliedVerdict | null {
  if (old?.plan.kind !== kind) return null;
  return old instanceof ScriptTrack || old instanceof GatewayTrack ? old.verdict : null;
}
