import type { SyncGroupPlan, VrrpInstancePlan, VrrpPlan } from "../config/node-plan.ts";
import type { Places } from "./places.ts";
import { groupStanding, sharedBurdens } from "./sync-group.ts";
import { type Burden, type Standing, type WeighedClaim, weighClaim } from "./tracking.ts";
import type { Tracks } from "./tracks.ts";

/** What claims depend on. */
export interface ClaimNeeds {
  readonly plan: () => VrrpPlan;
  readonly groupOf: (instance: string) => SyncGroupPlan | null;
  readonly tracks: Pick<Tracks, "burdens">;
  readonly places: Pick<Places, "of">;
}

type Paths = ReturnType<Places["of"]>;

/** What every virtual router claims with: its own standing, and that of those it moves together with. */
export class Claims {
  /** Whether at least one proxy process can serve. */
  areProxiesAlive = true;
  readonly #needs: ClaimNeeds;

  constructor(needs: ClaimNeeds) {
    this.#needs = needs;
  }

  /** Looks at everything as it is now; to be used at once. */
  survey(): Survey {
    return new Survey(this.#needs, this.areProxiesAlive);
  }
}

/** Claims and places of one moment: what many routers have to do with is looked at once. */
export class Survey {
  readonly #needs: ClaimNeeds;
  readonly #areProxiesAlive: boolean;
  readonly #members: ReadonlyMap<string, VrrpInstancePlan>;
  readonly #paths = new Map<VrrpInstancePlan, Paths>();
  readonly #standings = new Map<VrrpInstancePlan, Standing>();

  constructor(needs: ClaimNeeds, areProxiesAlive: boolean) {
    this.#needs = needs;
    this.#areProxiesAlive = areProxiesAlive;
    const { instances } = needs.plan();
    this.#members = new Map(instances.map((plan) => [plan.name, plan]));
  }

  /** Gives where a router can speak: its own interface first, then its heartbeats. */
  pathsOf(plan: VrrpInstancePlan): Paths {
    const known = this.#paths.get(plan) ?? this.#needs.places.of(plan);
    this.#paths.set(plan, known);
    return known;
  }

  /** Gives one router's claim. */
  weigh(plan: VrrpInstancePlan): WeighedClaim {
    return weighClaim(this.#inGroup(plan));
  }

  #inGroup(plan: VrrpInstancePlan): Standing {
    const own = this.#standing(plan);
    const group = this.#needs.groupOf(plan.name);
    if (group === null) return own;
    const others = group.instances.flatMap((name) => {
      const other = name === plan.name ? undefined : this.#members.get(name);
      return other === undefined ? [] : [{ name, standing: this.#standing(other) }];
    });
    return groupStanding(group.name, own, others);
  }

  #standing(plan: VrrpInstancePlan): Standing {
    const known = this.#standings.get(plan) ?? this.#stand(plan);
    this.#standings.set(plan, known);
    return known;
  }

  #stand(plan: VrrpInstancePlan): Standing {
    const { groupOf, tracks } = this.#needs;
    const [{ place, problem: cutOff }] = this.pathsOf(plan);
    const source = place?.source ?? null;
    const burdens: Burden[] = [...sharedBurdens(groupOf(plan.name), tracks.burdens(plan.tracks))];
    if (plan.needsProxy && !this.#areProxiesAlive) {
      burdens.push({ name: "proxies", weight: null, reason: "no proxy process is able to serve" });
    }
    return { basePriority: plan.priority, source, cutOff, burdens };
  }
}
