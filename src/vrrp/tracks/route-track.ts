import { unreachable } from "../../base/assert.ts";
import type { Prefix } from "../../base/address.ts";
import { type Instant, later } from "../../base/instant.ts";
import { errorText } from "../../base/system-error.ts";
import type { RouteTrackPlan } from "../../config/track-plan.ts";
import type { RouteNews, RouteWatch } from "../../kernel/route-watch.ts";
import type { SeenRoute } from "../../kernel/route-sightings.ts";
import type { Burden } from "../tracking.ts";
import { DelayedVerdict } from "./delayed-verdict.ts";
import { afterNews, routesSight } from "./followed-routes.ts";
import type { Track, TrackNeeds } from "./track.ts";

/** Links and addresses come and go several at a time. */
const settleMs = 20;
/** After a look, the next one waits this many times as long as it took: a full table costs a tenth of a core at most. */
const restFactor = 10;
/** What no event tells of is found after half a minute, or a thousand times as long as a look takes. */
const lookMs = 30_000;
const lookFactor = 1000;
const retryMs = 1000;
/** More news of one destination during a look is not kept: the table is looked at once more. */
const mostNews = 1000;

type Change = Extract<RouteNews, { kind: "added" | "replaced" | "removed" }>;

/**
 * The routes to one destination: known from the table once, and from the kernel's news since. IPv4 routes go without news
 * when their link goes down or their address away, so the table is looked at again then.
 */
export class RouteTrack implements Track {
  readonly plan: RouteTrackPlan;
  readonly #needs: TrackNeeds;
  readonly #table: number;
  readonly #verdict: DelayedVerdict;
  #watch: RouteWatch | null = null;
  /** Null before the table was read for the first time. */
  #routes: readonly SeenRoute[] | null = null;
  /** When the look that is under way began, and what has happened since: the table may have been read before or after it. */
  #begun: { readonly at: Instant; readonly since: Change[] } | null = null;
  #restUntil: Instant | null = null;
  #planned: { readonly at: Instant; readonly cancel: () => void } | null = null;
  #losses: number;
  #complaint: string | null = null;

  /** `table` is the number that the plan's name of a table stands for; `before` the track of this name so far. */
  constructor(
    plan: RouteTrackPlan,
    needs: TrackNeeds,
    from: { readonly table: number; readonly before: RouteTrack | null },
  ) {
    this.plan = plan;
    this.#needs = needs;
    this.#table = from.table;
    this.#losses = needs.interfaces.losses;
    this.#verdict = new DelayedVerdict(plan, needs, null);
    // What is known of the same routes stays true, and no claim is free of it for the time that a look takes.
    this.#routes = from.before?.routesTo(plan.destination, from.table) ?? null;
    this.#judge();
  }

  /** Gives what is known of the routes to a destination in a table; null if that is nothing. */
  routesTo(destination: Prefix, table: number): readonly SeenRoute[] | null {
    const { address, length } = this.plan.destination;
    const isSame = address === destination.address && length === destination.length && table === this.#table;
    return isSame ? this.#routes : null;
  }

  /** Hears first and looks then: nothing falls in between. */
  start(): void {
    this.#lookNow();
  }

  /** Links are judged as they are now; a loss among them may have taken routes along. */
  look(): void {
    const { losses } = this.#needs.interfaces;
    if (losses !== this.#losses) this.#lookIn(settleMs);
    this.#losses = losses;
    this.#judge();
  }

  stop(): void {
    this.#watch?.close();
    this.#planned?.cancel();
    this.#verdict.stop();
  }

  burden(): Burden | null {
    return this.#verdict.burden();
  }

  #hear(news: RouteNews): void {
    switch (news.kind) {
      case "listed":
        return this.#listed(news.routes);
      case "failed":
        return this.#failed(news.reason);
      case "overrun":
        return this.#lookIn(settleMs);
      case "added":
      case "replaced":
      case "removed":
        return this.#changed(news);
      default:
        return unreachable(news);
    }
  }

  #changed(change: Change): void {
    const since = this.#begun?.since ?? [];
    if (since.length < mostNews) since.push(change);
    else this.#lookIn(settleMs);
    if (this.#routes === null) return;
    this.#take(change);
    this.#tell();
  }

  #take(change: Change): void {
    const { routes, isSure } = afterNews(this.#routes ?? [], change);
    this.#routes = routes;
    if (!isSure) this.#lookIn(settleMs);
  }

  #lookNow(): void {
    const { host } = this.#needs;
    const { destination } = this.plan;
    this.#begun = { at: host.clock.now(), since: [] };
    try {
      this.#watch ??= host.watchRoutes({ destination, table: this.#table }, (news) => this.#hear(news));
    } catch (error) {
      return this.#failed(errorText(error));
    }
    this.#watch.look();
  }

  /** Plans a look, not before the last one has been paid for. One that is under way is finished first. */
  #lookIn(ms: number): void {
    const { clock } = this.#needs.host;
    const soon = later(clock.now(), ms);
    const at = this.#restUntil !== null && this.#restUntil > soon ? this.#restUntil : soon;
    if (this.#planned !== null && this.#planned.at <= at) return;
    this.#planned?.cancel();
    const cancel = clock.schedule(at, () => {
      this.#planned = null;
      if (this.#begun === null) this.#lookNow();
      else this.#lookIn(settleMs);
    });
    this.#planned = { at, cancel };
  }

  #listed(routes: readonly SeenRoute[]): void {
    const { clock } = this.#needs.host;
    const begun = this.#begun;
    this.#begun = null;
    this.#complaint = null;
    this.#routes = routes;
    const now = clock.now();
    const tookMs = begun === null ? 0 : now - begun.at;
    this.#restUntil = later(now, restFactor * tookMs);
    this.#lookIn(Math.max(lookMs, lookFactor * tookMs));
    for (const change of begun?.since ?? []) this.#take(change);
    this.#tell();
  }

  #failed(reason: string): void {
    const { log } = this.#needs;
    this.#begun = null;
    const text = `track ${this.plan.name}: the routes cannot be read: ${reason}`;
    if (text !== this.#complaint) log.warning(text);
    this.#complaint = text;
    this.#lookIn(retryMs);
  }

  /** Also where it means the same as before, it is so for another reason. */
  #tell(): void {
    this.#judge();
    this.#needs.changed();
  }

  #judge(): void {
    if (this.#routes === null) return;
    this.#verdict.see(routesSight(this.plan, this.#routes, this.#needs.interfaces));
  }
}
