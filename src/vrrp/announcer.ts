import { later } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { GarpPlan, VipAddressPlan } from "../config/node-plan.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Host } from "./host.ts";
import type { Interfaces } from "./interfaces.ts";

/** Tells the neighbours that addresses are here now: a burst of gratuitous ARP at once and another later. */
export class Announcer {
  readonly #deadlineName: string;
  readonly #needs: AnnouncerNeeds;

  constructor(deadlineName: string, needs: AnnouncerNeeds) {
    this.#deadlineName = deadlineName;
    this.#needs = needs;
  }

  /** Starts over with these addresses. */
  announce(vips: readonly VipAddressPlan[], garp: GarpPlan): void {
    if (vips.length === 0) return;
    this.#burst(vips, garp.burst);
    const { deadlines, host } = this.#needs;
    const again = later(host.clock.now(), garp.repeatDelayMs);
    // A switch may have been deaf to the first one while it learned that the port is up.
    deadlines.set(this.#deadlineName, again, () => this.#burst(vips, garp.burst));
  }

  /** Forgets the second burst. */
  cancel(): void {
    this.#needs.deadlines.clear(this.#deadlineName);
  }

  #burst(vips: readonly VipAddressPlan[], count: number): void {
    const { host, interfaces, log } = this.#needs;
    for (const vip of Array.from({ length: count }, () => vips).flat()) {
      const link = interfaces.linkNamed(vip.interface);
      if (link === null) continue;
      try {
        host.announce(link, vip.address);
      } catch (error) {
        log.warning(`${vip.address} could not be announced on ${link.name}: ${errorText(error)}`);
        return;
      }
    }
  }
}

/** What announcing takes. */
export interface AnnouncerNeeds {
  readonly host: Pick<Host, "clock" | "announce">;
  readonly interfaces: Interfaces;
  readonly deadlines: Deadlines;
  readonly log: Log;
}
