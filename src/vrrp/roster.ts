import type { Instant } from "../base/instant.ts";
import type { SyncGroupPlan, VrrpInstancePlan, VrrpPlan } from "../config/node-plan.ts";
import { heldAddresses } from "./held-addresses.ts";
import { routerKey } from "./plan-difference.ts";
import type { Router } from "./router.ts";
import { followingMember } from "./sync-group.ts";

/** The plan in force, and which virtual routers there are: those of the plan, and those that are about to leave. */
export class Roster {
  readonly #now: () => Instant;
  readonly #routers = new Map<string, Router>();
  /** Routers that are no longer in the plan, and still answer until another has taken over. */
  readonly #departing = new Set<Router>();
  /** Who goes by a name, which groups there are by their members, and every virtual address: made anew with each change. */
  #named = new Map<string, Router>();
  #groups = new Map<string, SyncGroupPlan>();
  #virtual = new Set<string>();
  #plan: VrrpPlan = { instances: [], syncGroups: [], drainTimeoutMs: 0, tracks: [], bfd: [], notify: null };

  constructor(now: () => Instant) {
    this.#now = now;
  }

  /** The plan in force. */
  get plan(): VrrpPlan {
    return this.#plan;
  }

  /** Those of the plan. */
  get present(): readonly Router[] {
    return [...this.#routers.values()];
  }

  /** Those that are about to leave. */
  get departing(): readonly Router[] {
    return [...this.#departing];
  }

  /** Whether nobody is left. */
  get isEmpty(): boolean {
    return this.#routers.size === 0 && this.#departing.size === 0;
  }

  /** Those of the plan in its order. */
  get inOrder(): readonly Router[] {
    return this.#plan.instances.flatMap((plan) => this.at(plan) ?? []);
  }

  /** The plans of all, those that are about to leave included. */
  get plansInUse(): readonly VrrpInstancePlan[] {
    return [...this.#plan.instances, ...this.departing.map(({ plan }) => plan)];
  }

  /**
   * Puts another plan in force; those that are not in it leave from now on, and are given. Until `index` is called they do
   * so under the names and in the groups of the old plan.
   */
  exchange(plan: VrrpPlan, removed: readonly VrrpInstancePlan[]): readonly Router[] {
    this.#plan = plan;
    const dismissed = removed.flatMap((old) => this.at(old) ?? []);
    for (const router of dismissed) {
      this.#routers.delete(routerKey(router.plan));
      this.#departing.add(router);
    }
    return dismissed;
  }

  /** Takes in routers of the plan. */
  add(routers: readonly Router[]): void {
    for (const router of routers) this.#routers.set(routerKey(router.plan), router);
    this.index();
  }

  /** Strikes out one that is gone. */
  remove(router: Router): void {
    const isDeparted = this.#departing.delete(router);
    if (isDeparted) this.index();
    else this.#routers.delete(routerKey(router.plan));
  }

  /** Gives the router that carries out this plan, whatever its settings. */
  at(plan: Pick<VrrpInstancePlan, "interface" | "family" | "vrid">): Router | null {
    return this.#routers.get(routerKey(plan)) ?? null;
  }

  /** Tells whether one that makes way has a successor of its name. */
  hasSuccessor(router: Router): boolean {
    return (this.#named.get(router.name) ?? router) !== router;
  }

  /** Tells whether an address is one of the virtual routers'. */
  isVirtual(address: string): boolean {
    return this.#virtual.has(address);
  }

  /** Gives the group that an instance is a member of. */
  groupOf(instance: string): SyncGroupPlan | null {
    return this.#groups.get(instance) ?? null;
  }

  /** Gives the members of a group beside one of them. */
  othersInGroup(router: Router, group: SyncGroupPlan): readonly Router[] {
    return group.instances.flatMap((name) => {
      const other = this.#named.get(name);
      return other === undefined || other === router ? [] : [other];
    });
  }

  /** Names another member of its group that follows a live router; null if none does. */
  followingBeside(router: Router): string | null {
    const group = this.groupOf(router.name);
    return group === null ? null : followingMember(this.othersInGroup(router, group), this.#now());
  }

  /** Gives the addresses of a group, as `address/length`. */
  addressesOf(group: SyncGroupPlan): readonly string[] {
    const members = new Set(group.instances);
    return this.#plan.instances
      .filter(({ name }) => members.has(name))
      .flatMap((plan) => heldAddresses(plan).map(({ address, length }) => `${address}/${length}`));
  }

  /** Goes by the names, groups and addresses of the plan in force from now on. */
  index(): void {
    const { syncGroups } = this.#plan;
    this.#named = new Map(this.present.map((router) => [router.name, router]));
    this.#groups = new Map(
      syncGroups.flatMap((group) => group.instances.map((name) => [name, group] as const)),
    );
    this.#virtual = new Set(
      this.plansInUse.flatMap((plan) => heldAddresses(plan).map(({ address }) => address)),
    );
  }
}
