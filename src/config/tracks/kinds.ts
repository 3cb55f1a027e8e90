import type { TrackEntry } from "../schema/track.ts";
import { bfdKind } from "./bfd.ts";
import { fileKind } from "./file.ts";
import { gatewayKind } from "./gateway.ts";
import { interfaceKind } from "./interface.ts";
import type { TrackKind, TrackSubject } from "./kind.ts";
import { processKind } from "./process.ts";
import { routeKind } from "./route.ts";
import { scriptKind } from "./script.ts";
import { serviceKind, upstreamKind } from "./servers.ts";

/** Every kind of track, in the order that messages list them in. */
export const trackKinds: readonly TrackKind[] = [
  scriptKind,
  interfaceKind,
  fileKind,
  processKind,
  gatewayKind,
  serviceKind,
  upstreamKind,
  bfdKind,
  routeKind,
];

/** Gives the kinds whose subjects a table has; a right one has one. */
export function kindsIn(entry: TrackEntry): readonly TrackKind[] {
  const given = trackKinds.filter(({ subject }) => entry[subject] !== null);
  // `interface` narrows a route and is a subject by itself.
  const isDetail = (subject: TrackSubject): boolean => given.some(({ keys }) => keys.includes(subject));
  return given.filter(({ subject }) => !isDetail(subject));
}
