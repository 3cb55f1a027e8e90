import { parseRoute, type RouteRequest } from "./fib-messages.ts";
import { parseAttributes, readNested, readU32 } from "./netlink/attribute.ts";

/** PURE: what default routes say of packet sizes (rtnetlink(7), RTA_METRICS). */

/** A route to everywhere. */
export interface DefaultRoute extends RouteRequest {
  /** The largest packet, or null where the route does not say. */
  readonly mtu: number | null;
  /** The largest TCP segment that is announced to the other end, or null. */
  readonly advertisedMss: number | null;
}

const headerLength = 12;
const metricsAttribute = 8;
const metric = { mtu: 2, advertisedMss: 8 } as const;

/** Reads an RTM_NEWROUTE payload; null if it is another route. */
export function parseDefaultRoute(payload: Uint8Array): DefaultRoute | null {
  const route = parseRoute(payload);
  if (route === null || route.destination.length !== 0) return null;
  const metrics = readNested(parseAttributes(payload.subarray(headerLength)), metricsAttribute);
  const read = (type: number): number | null => readU32(metrics, type) || null;
  return { ...route, mtu: read(metric.mtu), advertisedMss: read(metric.advertisedMss) };
}
