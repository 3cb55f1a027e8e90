import type { Clock } from "../base/clock.ts";
import { later, type Instant } from "../base/instant.ts";
import type { SyncGroupPlan, VrrpInstancePlan } from "../config/node-plan.ts";
import type { HandedOver, HandoverOrder, HandoverOutcome, HandoverReport } from "../ipc/handover.ts";
import type { Departures } from "./departures.ts";
import type { Election } from "./election-types.ts";
import {
  backOutcome,
  handoverOutcome,
  handoverReason,
  idleOutcome,
  lowered,
  type HandoverView,
} from "./handover.ts";
import { routerKey } from "./plan-difference.ts";
import type { Router } from "./router.ts";
import type { WeighedClaim } from "./tracking.ts";

/** What handovers need of the node. */
export interface HandoverNeeds {
  readonly clock: Clock;
  readonly routers: () => readonly Router[];
  readonly groups: () => readonly SyncGroupPlan[];
  /** Has routers that are active resign with the claims they have from now on. */
  readonly resign: (routers: readonly Router[], reason: string) => void;
  /** Has every claim weighed again. */
  readonly weighAll: () => void;
  readonly departures: Departures;
  /** How long open connections get to end. */
  readonly drainTimeoutMs: () => number;
}

interface Order {
  readonly report: (report: HandoverReport) => void;
  readonly isBack: boolean;
  startedAt: Instant;
  readonly waiting: Set<Router>;
  readonly outcomes: HandoverOutcome[];
}

/**
 * What the operator hands over by command: which routers claim with priority 1 because of that, and the orders that
 * wait for their end. A sync group goes as a whole.
 */
export class Handovers {
  readonly #needs: HandoverNeeds;
  /** Times of day by routerKey. */
  #marks = new Map<string, string>();
  readonly #orders = new Set<Order>();

  constructor(needs: HandoverNeeds) {
    this.#needs = needs;
  }

  /** Takes over what an earlier process had been told. */
  restore(handedOver: readonly HandedOver[]): void {
    this.#marks = new Map(handedOver.map((each) => [routerKey(each), each.at]));
  }

  /** Forgets what is not planned any more. */
  keepOnly(plans: readonly VrrpInstancePlan[]): void {
    const keys = new Set(plans.map(routerKey));
    for (const key of this.#marks.keys()) if (!keys.has(key)) this.#marks.delete(key);
  }

  /** Gives the time at which a router, or one of its group, was handed over; null if it was not. */
  handedOverAt(plan: VrrpInstancePlan): string | null {
    // Asked for every router at every status and claim: with hundreds of them a fifth of the process's time.
    if (this.#marks.size === 0) return null;
    const own = this.#marks.get(routerKey(plan));
    if (own !== undefined) return own;
    const beside = this.#beside(plan.name).flatMap(
      ({ plan: other }) => this.#marks.get(routerKey(other)) ?? [],
    );
    return beside[0] ?? null;
  }

  /** Gives what a claim is once it is known whether the operator has handed it over. */
  weigh(plan: VrrpInstancePlan, weighed: WeighedClaim): WeighedClaim {
    return lowered(weighed, plan, this.handedOverAt(plan));
  }

  /** Carries out an order; `report` is called once, when its end is known. */
  begin(wish: HandoverOrder, report: (report: HandoverReport) => void): void {
    const refusal = this.#refusal(wish.names ?? []);
    if (refusal !== null) return report({ outcomes: [], refusal });
    const order: Order = {
      report,
      isBack: wish.isBack,
      startedAt: this.#needs.clock.now(),
      waiting: new Set(),
      outcomes: [],
    };
    this.#orders.add(order);
    const routers = this.#chosen(wish);
    if (wish.isBack) this.#takeBack(order, routers);
    else this.#handOver(order, routers, wish.isNow);
    this.#finish(order);
  }

  /** Takes note that a router has left the state `from`. */
  moved(router: Router, from: Election["state"]): void {
    for (const order of this.#orders) {
      if (!order.waiting.has(router) || (!order.isBack && from !== "leaving")) continue;
      const { state } = router.election;
      if (order.isBack && state !== "active") continue;
      order.waiting.delete(router);
      const view = this.#view(order, router);
      order.outcomes.push(order.isBack ? backOutcome(view) : handoverOutcome(view));
      // Nobody wants it: better here with the usual claim than with one that any stranger outranks.
      if (!order.isBack && state === "active") this.#unmark(router);
      this.#finish(order);
    }
  }

  #handOver(order: Order, routers: readonly Router[], isNow: boolean): void {
    const { departures, drainTimeoutMs } = this.#needs;
    const held = routers.filter((router) => isHeld(router) && !departures.isPending(router));
    for (const router of routers.filter((each) => !held.includes(each))) {
      order.outcomes.push(this.#outcomeOfIdle(order, router));
    }
    for (const router of held) order.waiting.add(router);
    if (held.length > 0)
      departures.begin(held, isNow ? 0 : drainTimeoutMs(), () => this.#resign(order, held));
  }

  #resign(order: Order, routers: readonly Router[]): void {
    order.startedAt = this.#needs.clock.now();
    // Something else may have moved one of them while its connections ended.
    const open = routers.filter((router) => order.waiting.has(router));
    const held = open.filter(isHeld);
    for (const router of open.filter((each) => !held.includes(each))) {
      order.waiting.delete(router);
      order.outcomes.push(this.#outcomeOfIdle(order, router));
    }
    const at = this.#needs.clock.wallTime().toISOString();
    for (const router of held) {
      for (const each of this.#withGroup(router)) this.#marks.set(routerKey(each.plan), at);
    }
    this.#needs.resign(held, handoverReason);
    if (held.length > 0) this.#needs.weighAll();
    this.#finish(order);
  }

  #outcomeOfIdle(order: Order, router: Router): HandoverOutcome {
    const { election, name, plan } = router;
    const failed = (text: string): HandoverOutcome => ({
      name,
      isDone: false,
      text,
      holder: null,
      tookMs: null,
    });
    if (plan.priority === 255 && election.state === "active")
      return failed(
        "this node owns the address (priority 255): that cannot be handed over; stop the service",
      );
    if (election.state === "leaving" || this.#needs.departures.isPending(router))
      return failed("it is being handed over already");
    return idleOutcome(this.#view(order, router), this.handedOverAt(plan));
  }

  #takeBack(order: Order, routers: readonly Router[]): void {
    const marked = routers.filter(({ plan }) => this.handedOverAt(plan) !== null);
    for (const { name } of routers.filter((router) => !marked.includes(router))) {
      const text = "it was not handed over";
      order.outcomes.push({ name, isDone: false, text, holder: null, tookMs: null });
    }
    for (const router of marked) {
      const { election, plan } = router;
      if (election.state === "backup" && plan.preempts) order.waiting.add(router);
    }
    for (const router of marked) this.#unmark(router);
    this.#needs.weighAll();
    // A preempt delay is for a node that comes back by itself; this one was told to.
    const at = this.#needs.clock.now();
    for (const router of marked) router.follow({ kind: "back", at });
    for (const router of marked) {
      if (order.waiting.has(router)) this.#waitForDeadline(order, router);
      else order.outcomes.push(backOutcome(this.#view(order, router)));
    }
  }

  /** By its deadline a backup has taken over from a router that it outranks; one that goes on following has not. */
  #waitForDeadline(order: Order, router: Router): void {
    const { election } = router;
    if (election.state !== "backup") return;
    const { clock } = this.#needs;
    clock.schedule(later(election.deadline, election.activeIntervalMs), () => {
      if (!order.waiting.has(router)) return;
      // The holder was asked to hand over, and ends its connections first.
      if (router.isAwaitingHandover) return this.#waitForDeadline(order, router);
      if (!order.waiting.delete(router)) return;
      order.outcomes.push(backOutcome(this.#view(order, router)));
      this.#finish(order);
    });
  }

  #finish(order: Order): void {
    if (order.waiting.size > 0 || !this.#orders.delete(order)) return;
    const places = new Map(this.#needs.routers().map(({ name }, index) => [name, index]));
    const place = ({ name }: HandoverOutcome): number => places.get(name) ?? places.size;
    order.report({ outcomes: order.outcomes.toSorted((a, b) => place(a) - place(b)), refusal: null });
  }

  #unmark(router: Router): void {
    for (const each of this.#withGroup(router)) this.#marks.delete(routerKey(each.plan));
    this.#needs.weighAll();
  }

  #view(order: Order, router: Router): HandoverView {
    const tookMs = this.#needs.clock.now() - order.startedAt;
    return { plan: router.plan, status: router.status(), tookMs };
  }

  /** Says why an order cannot be understood, or null. */
  #refusal(names: readonly string[]): string | null {
    const routers = this.#needs.routers().map(({ name }) => name);
    const groups = this.#needs.groups().map(({ name }) => name);
    const unknown = names.filter((name) => !routers.includes(name) && !groups.includes(name));
    if (unknown.length === 0) return null;
    const there = [...routers, ...groups.map((name) => `${name} (sync group)`)].join(", ");
    return `there is no virtual router or sync group ${unknown.join(", ")} on this node; there are: ${there}`;
  }

  /** The routers an order is about, whole groups. */
  #chosen({ names, isBack }: HandoverOrder): readonly Router[] {
    const routers = this.#needs.routers();
    const isMeant = (router: Router): boolean => {
      if (names === null)
        return isBack ? this.handedOverAt(router.plan) !== null : router.election.state === "active";
      const group = this.#groupOf(router.name)?.name ?? null;
      return names.includes(router.name) || (group !== null && names.includes(group));
    };
    const meant = new Set(routers.filter(isMeant).flatMap((router) => this.#withGroup(router)));
    return routers.filter((router) => meant.has(router));
  }

  #groupOf(instance: string): SyncGroupPlan | null {
    return this.#needs.groups().find(({ instances }) => instances.includes(instance)) ?? null;
  }

  #withGroup(router: Router): readonly Router[] {
    return [router].concat(this.#beside(router.name));
  }

  #beside(instance: string): readonly Router[] {
    const members = this.#groupOf(instance)?.instances ?? [];
    if (members.length === 0) return [];
    return this.#needs.routers().filter(({ name }) => name !== instance && members.includes(name));
  }
}

function isHeld({ election, plan }: Router): boolean {
  return election.state === "active" && plan.priority !== 255;
}
