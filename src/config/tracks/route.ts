import { familyOf, networkOf, type Prefix } from "../../base/address.ts";
import { errorAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";
import { destinationOf as heldDestination } from "../plan-holdings.ts";
import type { TrackEntry } from "../schema/track.ts";
import { delaysOf, type TrackElement, type TrackKind } from "./kind.ts";

const mainTable = 254;

/** `route = "198.51.100.0/24"`: a route that has to be in a routing table. */
export const routeKind: TrackKind = {
  subject: "route",
  keys: ["table", "via", "interface", "up_delay", "down_delay", "reverse"],
  calledAfter: (entry) => (entry.route === "default" ? "default" : written(destinationOf(entry))),
  read: (entry, effect) => ({
    kind: "route",
    ...effect,
    destination: destinationOf(entry),
    table: entry.table ?? mainTable,
    via: entry.via,
    interface: entry.interface,
    ...delaysOf(entry),
  }),
  rules: (track, model) => [...hostBits(track), ...foreignRouter(track), ...ownRoute(track, model)],
};

/** A default route is of its router's family, or else IPv4. */
function destinationOf({ route, via }: Pick<TrackEntry, "route" | "via">): Prefix {
  if (route !== null && route !== "default") return route;
  return { address: familyOf(via ?? "0.0.0.0") === 6 ? "::" : "0.0.0.0", length: 0 };
}

function written({ address, length }: Prefix): string {
  return `${address}/${length}`;
}

/** No table has such a route. */
function hostBits({ value, path }: TrackElement): readonly Finding[] {
  const destination = destinationOf(value);
  const network = networkOf(destination);
  if (network.address === destination.address) return [];
  const what = `${written(destination)} is an address in a network, and no route leads to it`;
  const whole = familyOf(destination.address) === 4 ? 32 : 128;
  const remedy = `write route = "${written(network)}", or "${destination.address}/${whole}"`;
  return [errorAt([...path, "route"], what, remedy)];
}

/** IPv4 goes over IPv6 routers (RFC 5549), but not the other way round. */
function foreignRouter({ value, path }: TrackElement): readonly Finding[] {
  const { via } = value;
  const destination = destinationOf(value);
  if (via === null || familyOf(destination.address) === 4 || familyOf(via) === 6) return [];
  const what = `${via} is an IPv4 address, and ${written(destination)} a route of IPv6`;
  return [errorAt([...path, "via"], what, 'write the router\'s IPv6 address, as in via = "fe80::1"')];
}

/** What comes and goes with the claim can be no condition of it. */
function ownRoute(track: TrackElement, model: Model): readonly Finding[] {
  const { value, path } = track;
  const wanted = written(destinationOf(value));
  const name = model.tracks[model.sections.tracks.indexOf(track)]?.name;
  const holder = model.instances.find(({ config }) => {
    if (name === undefined || !config.tracks.includes(name)) return false;
    return config.routes.some((route) => {
      return written(heldDestination(route)) === wanted && route.table === (value.table ?? mainTable);
    });
  });
  if (holder === undefined) return [];
  const what = `"${holder.config.name}" adds this route itself once it is active, and would never become so`;
  return [errorAt([...path, "route"], what, "track another route, or narrow vips")];
}
