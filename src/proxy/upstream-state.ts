import type { UpstreamPlan } from "../config/http-plan.ts";
import { type EjectionContext, Ejections } from "./ejections.ts";
import type { HttpServer } from "./http-server.ts";
import { RetryBudget } from "./retries.ts";
import type { SlotHolding, SlotUser } from "./slots/slot-holding.ts";
import type { SlotHoldings } from "./slots/slot-holdings.ts";
import type { Swept } from "./sweep.ts";
import type { Upstream } from "./upstream.ts";
import { type QueuedRequest, WaitingLine } from "./waiting-line.ts";

/** What an upstream needs of its process. */
export interface UpstreamContext extends EjectionContext {
  readonly slots: Pick<SlotHoldings, "of">;
}

/** What this process remembers of an upstream from one plan to the next. */
export class UpstreamState implements Swept {
  readonly ejections: Ejections;
  readonly budget: RetryBudget = new RetryBudget();
  /** Those who wait for a server; the processes share its places as they share servers. */
  readonly queue: WaitingLine = new WaitingLine({
    hasRoom: () => this.mayServe(),
    mayJoin: (length) => this.mayJoin(length),
    mostStay: () => (this.isAsking ? Number.POSITIVE_INFINITY : (this.places?.held ?? 0)),
    ask: () => this.ask(0),
  });
  /** The upstream as the plan in force has it; null before there is one. */
  present: Upstream | null = null;
  private readonly context: UpstreamContext;
  /** What this process has of the queue; it outlives a plan without one, for those who wait. */
  private places: SlotHolding | null = null;
  private hasQueue = false;
  private readonly line: SlotUser;
  /** Of the queue and of servers that are limited. */
  private holdings: readonly SlotHolding[] = [];

  constructor(context: UpstreamContext) {
    this.context = context;
    const { queue } = this;
    this.line = {
      get inUse() {
        return queue.length;
      },
    };
    this.ejections = new Ejections(context);
  }

  /** Takes the upstream of the plan in force; each of `workers` begins with its part of what is limited. */
  configure(present: Upstream, workers: number): void {
    const { plan, servers } = present;
    this.present = present;
    const before = this.holdings;
    const places = this.placesOf(plan, workers);
    this.places = places ?? this.places;
    this.hasQueue = places !== null;
    const holdings = places === null ? [] : [places];
    for (const server of servers) {
      const slots = this.slotsOf(server, workers);
      server.pool.attach(this, plan.ejection !== null, slots);
      if (slots !== null) holdings.push(slots);
    }
    this.holdings = holdings;
    for (const holding of before) if (!holdings.includes(holding)) holding.leave();
    this.ejections.configure(plan.ejection, servers);
    this.budget.setShare(plan.retries.budget);
  }

  /** Lets a request wait for a server that is full; false if too many do. */
  join(one: QueuedRequest): boolean {
    this.ask(1);
    if (this.hasQueue && this.places?.isFull === true) this.places.ask(1);
    return this.queue.join(one);
  }

  /** Lets go of what is shared with other processes. */
  retire(): void {
    for (const holding of this.holdings) holding.leave();
  }

  sweep(now: number): void {
    this.ejections.sweep(now);
    this.queue.sweep();
    // A server that was down when they came to wait was asked for nobody.
    if (this.queue.length > 0) this.ask(0);
    this.places?.roomMade();
  }

  private get servers(): readonly HttpServer[] {
    return this.present?.servers ?? [];
  }

  private mayJoin(length: number): boolean {
    return this.isAsking || (this.hasQueue && length < (this.places?.allowed ?? 0));
  }

  /** Asks for slots of full servers, for those who wait and so many more. */
  private ask(more: number): void {
    for (const { isUp, pool } of this.servers) if (isUp && pool.isFull) pool.slots?.ask(more);
  }

  /** Whether other processes have yet to say if they can spare something. */
  private get isAsking(): boolean {
    return this.holdings.some(({ isAsking }) => isAsking);
  }

  private slotsOf(server: HttpServer, workers: number): SlotHolding | null {
    const { id, mostConnections, pool } = server;
    if (mostConnections === 0) return null;
    const slots = this.context.slots.of(`server ${id}`);
    const waiting = (): number => (server.isUp ? this.queue.length : 0);
    slots.serve(pool, waiting, () => this.queue.roomMade());
    slots.configure(mostConnections, Math.floor(mostConnections / Math.max(1, workers)));
    return slots;
  }

  private placesOf({ name, queue }: UpstreamPlan, workers: number): SlotHolding | null {
    if (queue === null) return null;
    const places = this.context.slots.of(`queue ${name}`);
    places.serve(
      this.line,
      () => 0,
      () => this.queue.roomMade(),
    );
    places.configure(queue.length, Math.floor(queue.length / Math.max(1, workers)));
    return places;
  }

  /** Whether a server has room, or none is up: then one that was ejected may be taken back. */
  private mayServe(): boolean {
    let isAnyUp = false;
    for (const { isFull, isUp } of this.servers) {
      if (isUp && !isFull) return true;
      isAnyUp ||= isUp;
    }
    return !isAnyUp;
  }
}
