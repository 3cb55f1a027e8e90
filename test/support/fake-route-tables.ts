import type { SeenRoute } from "../../src/kernel/route-sightings.ts";
import type { RouteNews, RoutesPlace } from "../../src/kernel/route-watch.ts";
import type { Host } from "../../src/vrrp/host.ts";

interface Watcher {
  readonly place: RoutesPlace;
  readonly react: (news: RouteNews) => void;
}

/** The routing tables of a machine, as far as they are followed. */
export class FakeRouteTables {
  readonly #routes: { readonly to: string; readonly route: SeenRoute }[] = [];
  readonly #watchers = new Set<Watcher>();
  /** How often a table was read. */
  looks = 0;
  /** While it is set, what is read is put aside instead of answered. */
  isSlow = false;
  readonly #late: (() => void)[] = [];

  /** Gives a process its view. */
  host(whenRunning: (action: () => void) => void): Host["watchRoutes"] {
    return (place, react) => {
      const watcher: Watcher = { place, react: (news) => whenRunning(() => react(news)) };
      this.#watchers.add(watcher);
      return {
        look: () => this.#look(watcher),
        close: () => void this.#watchers.delete(watcher),
      };
    };
  }

  /** Adds a route, with news or without. */
  add(to: string, route: SeenRoute, kind: "added" | "replaced" | "silently" = "added"): void {
    this.#routes.push({ to, route });
    if (kind !== "silently") this.#tell(to, { kind, route });
  }

  /** Removes a route, with news or without. */
  remove(to: string, route: SeenRoute, kind: "removed" | "silently" = "removed"): void {
    const at = this.#routes.findIndex((one) => one.to === to && Bun.deepEquals(one.route, route));
    if (at >= 0) this.#routes.splice(at, 1);
    if (kind !== "silently") this.#tell(to, { kind, route });
  }

  /** Tells something to everybody, such as a loss of news. */
  tellAll(news: RouteNews): void {
    for (const { react } of this.#watchers) react(news);
  }

  /** Answers what was put aside, as it stood when it was read. */
  answer(): void {
    for (const late of this.#late.splice(0)) late();
  }

  #tell(to: string, news: Extract<RouteNews, { route: SeenRoute }>): void {
    for (const { place, react } of this.#watchers) {
      if (keyOf(place) === to && place.table === news.route.table) react(news);
    }
  }

  #look({ place, react }: Watcher): void {
    this.looks++;
    const found = this.#routes.filter(({ to, route }) => to === keyOf(place) && route.table === place.table);
    const answer = (): void => react({ kind: "listed", routes: found.map(({ route }) => route) });
    if (this.isSlow) this.#late.push(answer);
    else answer();
  }
}

function keyOf({ destination }: RoutesPlace): string {
  return `${destination.address}/${destination.length}`;
}
