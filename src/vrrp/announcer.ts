import { later } from "../base/instant.ts";
import type { GarpPlan, VipAddressPlan } from "../config/node-plan.ts";
import type { AnnouncementQueue } from "./announcement-queue.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Host } from "./host.ts";

/** What one router's announcing takes. */
export interface AnnouncerNeeds {
  readonly host: Pick<Host, "clock">;
  readonly deadlines: Deadlines;
  readonly announcements: AnnouncementQueue;
}

/** The addresses a router has at present, and how it announces them. */
export interface Announced {
  readonly addresses: readonly VipAddressPlan[];
  readonly garp: GarpPlan;
}

/**
 * Tells the neighbours that a router's addresses are here now: a burst at once and another later, and where that is
 * wanted one again and again for as long as it holds them.
 */
export class Announcer {
  readonly #name: string;
  readonly #needs: AnnouncerNeeds;
  readonly #current: () => Announced;
  /** Addresses whose second burst is to come. */
  readonly #fresh = new Set<string>();

  /** `name` is this router's own among all deadlines; `current` is asked whenever something is announced. */
  constructor(name: string, needs: AnnouncerNeeds, current: () => Announced) {
    this.#name = name;
    this.#needs = needs;
    this.#current = current;
  }

  /** Announces these of the router's addresses, or all. */
  announce(vips: readonly VipAddressPlan[] = this.#current().addresses): void {
    if (vips.length === 0) return;
    const { garp } = this.#current();
    const { announcements, deadlines } = this.#needs;
    announcements.announce(this, vips, { count: garp.burst, pauseMs: garp.intervalMs });
    for (const { address } of vips) this.#fresh.add(address);
    // A switch may have been deaf to the first burst while it learned that the port is up.
    deadlines.set(`announce ${this.#name}`, this.#after(garp.repeatDelayMs), () => this.#repeat());
    this.keepFresh();
  }

  /** Starts to announce again and again, or no more, as the settings are now. */
  keepFresh(): void {
    const { refreshMs } = this.#current().garp;
    const name = `refresh ${this.#name}`;
    if (refreshMs === null) this.#needs.deadlines.clear(name);
    else this.#needs.deadlines.set(name, this.#after(refreshMs), () => this.#refresh());
  }

  /** Forgets everything that is still to be announced. */
  cancel(): void {
    this.#fresh.clear();
    this.#needs.deadlines.clear(`announce ${this.#name}`);
    this.#needs.deadlines.clear(`refresh ${this.#name}`);
    this.#needs.announcements.cancel(this);
  }

  #repeat(): void {
    const { addresses, garp } = this.#current();
    const again = addresses.filter(({ address }) => this.#fresh.has(address));
    this.#fresh.clear();
    this.#needs.announcements.add(this, again, { count: garp.burst, pauseMs: garp.intervalMs });
  }

  #refresh(): void {
    const { addresses, garp } = this.#current();
    this.#needs.announcements.add(this, addresses, { count: garp.refreshCount, pauseMs: garp.intervalMs });
    this.keepFresh();
  }

  #after(ms: number): ReturnType<Host["clock"]["now"]> {
    return later(this.#needs.host.clock.now(), ms);
  }
}
