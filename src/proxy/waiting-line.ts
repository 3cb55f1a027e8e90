import type { Swept } from "./sweep.ts";

/** A request that waits until a server has room. */
export interface QueuedRequest {
  /** Goes to a server if one has room for it; false if it has to wait on. */
  proceed(): boolean;
  /** It may not wait after all. */
  refuse(status: number): void;
}

/** What a line needs to know of its upstream. */
export interface LineRules {
  /** Whether anybody at all might go on, so that of a thousand who wait not all are asked for each place. */
  hasRoom(): boolean;
  /** Whether one more may join so many. */
  mayJoin(length: number): boolean;
  /** How many may stay; there are more while it is being found out if they may. */
  mostStay(): number;
  /** Has it found out again if there is room, if that may be of use. */
  ask(): void;
}

/**
 * Requests that wait for a place at a server of one upstream, the first first; one that can only go to a certain server
 * holds up nobody who can go elsewhere. It outlives the plan.
 */
export class WaitingLine implements Swept {
  private readonly waiting = new Set<QueuedRequest>();
  private isAboutToServe = false;
  private readonly rules: LineRules;

  constructor(rules: LineRules) {
    this.rules = rules;
  }

  /** How many wait. */
  get length(): number {
    return this.waiting.size;
  }

  /** Lets a request wait; false if too many do. */
  join(one: QueuedRequest): boolean {
    if (!this.rules.mayJoin(this.waiting.size)) return false;
    this.waiting.add(one);
    // There may be room for just this one.
    this.roomMade();
    return true;
  }

  /** Forgets a request whose client is gone, or that has waited too long. */
  leave(one: QueuedRequest): void {
    this.waiting.delete(one);
  }

  /** Some server has room: those who wait go on, once whoever made it is done. */
  roomMade(): void {
    if (this.isAboutToServe || this.waiting.size === 0) return;
    this.isAboutToServe = true;
    queueMicrotask(() => {
      this.isAboutToServe = false;
      this.sweep();
    });
  }

  /** Servers may have come back meanwhile. */
  sweep(): void {
    this.serve();
    if (this.waiting.size <= this.rules.mostStay()) return;
    // What one of them was to have may have gone to a request that has just come.
    this.rules.ask();
    const most = this.rules.mostStay();
    for (const one of [...this.waiting].slice(most)) {
      this.waiting.delete(one);
      one.refuse(503);
    }
  }

  private serve(): void {
    for (const one of this.waiting) {
      if (!this.rules.hasRoom()) return;
      if (one.proceed()) this.waiting.delete(one);
    }
  }
}
