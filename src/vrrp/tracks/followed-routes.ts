import type { RouteTrackPlan } from "../../config/track-plan.ts";
import type { RouteNews } from "../../kernel/route-watch.ts";
import type { SeenRoute } from "../../kernel/route-sightings.ts";
import { type Interfaces, linkProblem } from "../interfaces.ts";
import type { Sight } from "../tracking.ts";

/** What is known of the routes to one destination, and whether one of them is as it is wanted: PURE. */

/** Routes after some news; `isSure` is false where only the table itself can tell. */
export interface Followed {
  readonly routes: readonly SeenRoute[];
  readonly isSure: boolean;
}

type Change = Extract<RouteNews, { kind: "added" | "replaced" | "removed" }>;

/**
 * Takes in one change. What the kernel means by news of several routes with one metric depends on the family, its
 * version, and on who asked for it how: such news is not interpreted.
 */
export function afterNews(routes: readonly SeenRoute[], { kind, route }: Change): Followed {
  const rank = rankOf(route);
  const equals = routes.filter((one) => rankOf(one) === rank);
  const others = routes.filter((one) => rankOf(one) !== rank);
  const key = keyOf(route);
  const isKnown = equals.some((one) => keyOf(one) === key);
  if (kind === "removed") {
    return { routes: routes.filter((one) => keyOf(one) !== key), isSure: isKnown || equals.length === 0 };
  }
  if (isKnown && equals.length === 1) return { routes, isSure: true };
  if (kind === "replaced") return { routes: [...others, route], isSure: equals.length <= 1 };
  return { routes: [...routes.filter((one) => keyOf(one) !== key), route], isSure: equals.length === 0 };
}

/** Routes of one rank are those that the kernel takes for one another when it replaces. */
function rankOf({ tos, metric }: SeenRoute): string {
  return `${tos} ${metric}`;
}

function keyOf({ tos, metric, type, protocol, hops }: SeenRoute): string {
  return JSON.stringify([tos, metric, type, protocol, hops]);
}

// RTN_UNICAST and RTN_LOCAL; all others drop what they are given.
const leading: ReadonlySet<number> = new Set([1, 2]);

/** Judges the routes: one has to lead somewhere, the wanted way, over a link that works. */
export function routesSight(
  plan: Pick<RouteTrackPlan, "destination" | "table" | "via" | "interface">,
  routes: readonly SeenRoute[],
  interfaces: Pick<Interfaces, "linkAt">,
): Sight {
  const what = routeName(plan);
  const hops = routes.filter(({ type }) => leading.has(type)).flatMap((route) => route.hops);
  if (hops.length === 0) {
    const text = routes.length === 0 ? `there is no ${what}` : `${what} drops what is sent there`;
    return { isUp: false, text };
  }
  const nameOf = (index: number): string => interfaces.linkAt(index)?.name ?? `#${index}`;
  const wanted = hops.filter(
    ({ gateway, linkIndex }) =>
      (plan.via === null || gateway === plan.via) &&
      (plan.interface === null || nameOf(linkIndex) === plan.interface),
  );
  const [first] = wanted;
  if (first === undefined) {
    const ways = [
      ...new Set(hops.map(({ gateway, linkIndex }) => `${wayText(gateway)}${nameOf(linkIndex)}`)),
    ];
    return { isUp: false, text: `${what} goes another way: ${ways.slice(0, 3).join(", ")}` };
  }
  // Without a link (a next hop object of its own, in some settings) the kernel does not tell.
  const problems = wanted.map(({ linkIndex }) => {
    return linkIndex === 0 ? null : linkProblem(nameOf(linkIndex), interfaces.linkAt(linkIndex));
  });
  const at = problems.indexOf(null);
  if (at < 0) return { isUp: false, text: `${what} leads nowhere: ${problems[0]}` };
  const { gateway, linkIndex } = wanted[at] ?? first;
  return { isUp: true, text: `${what} goes ${wayText(gateway)}${nameOf(linkIndex)}` };
}

function wayText(gateway: string | null): string {
  return gateway === null ? "through " : `via ${gateway} on `;
}

function routeName({ destination, table }: Pick<RouteTrackPlan, "destination" | "table">): string {
  const where = table === 254 ? "" : ` in table ${table}`;
  return `route to ${destination.address}/${destination.length}${where}`;
}
