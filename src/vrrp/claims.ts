import type { SyncGroupPlan, VrrpInstancePlan, VrrpPlan } from "../config/node-plan.ts";
import type { Places } from "./places.ts";
import { groupStanding, sharedBurdens } from "./sync-group.ts";
import { type Burden, type Standing, type WeighedClaim, weighClaim } from "./tracking.ts";
import type { Tracks } from "./tracks.ts";

/** What claims depend on. */
export interface ClaimNeeds {
  readonly plan: () => VrrpPlan;
  readonly groupOf: (instance: string) => SyncGroupPlan | null;
  readonly tracks: Tracks;
  readonly places: Places;
}

/** What every virtual router claims with: its own standing, and that of those it moves together with. */
export class Claims {
  /** Whether at least one proxy process can serve. */
  areProxiesAlive = true;
  readonly #needs: ClaimNeeds;

  constructor(needs: ClaimNeeds) {
    this.#needs = needs;
  }

  /** Gives what the members of groups bring in, once for all who share it. */
  standings(): ReadonlyMap<string, Standing> {
    const { groupOf, plan: current } = this.#needs;
    const members = current().instances.filter(({ name }) => groupOf(name) !== null);
    return new Map(members.map((plan) => [plan.name, this.#standing(plan)]));
  }

  /** Gives one router's claim. */
  weigh(plan: VrrpInstancePlan, standings: ReadonlyMap<string, Standing> = this.standings()): WeighedClaim {
    return weighClaim(this.#inGroup(plan, standings));
  }

  #inGroup(plan: VrrpInstancePlan, standings: ReadonlyMap<string, Standing>): Standing {
    const own = this.#standing(plan);
    const group = this.#needs.groupOf(plan.name);
    if (group === null) return own;
    const others = group.instances.flatMap((name) => {
      const standing = name === plan.name ? undefined : standings.get(name);
      return standing === undefined ? [] : [{ name, standing }];
    });
    return groupStanding(group.name, own, others);
  }

  #standing(plan: VrrpInstancePlan): Standing {
    const { groupOf, places, tracks } = this.#needs;
    const [{ place, problem: cutOff }] = places.of(plan);
    const source = place?.source ?? null;
    const burdens: Burden[] = [...sharedBurdens(groupOf(plan.name), tracks.burdens(plan.tracks))];
    if (plan.needsProxy && !this.areProxiesAlive) {
      burdens.push({ name: "proxies", weight: null, reason: "no proxy process is able to serve" });
    }
    return { basePriority: plan.priority, source, cutOff, burdens };
  }
}
