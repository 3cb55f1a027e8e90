import { formatEndpoint } from "../base/address.ts";
import type { NamedServers } from "./http-config.ts";
import type { ListenerPlan, RoutePlan, UpstreamPlan } from "./http-plan.ts";
import { formatDuration, formatSize } from "./units.ts";

/** Says what is particular about a listener. */
export function listenerNotes({
  http3,
  mostConnections,
  mostPerSource,
  proxyProtocol,
}: ListenerPlan): string {
  const from = proxyProtocol?.from.map(({ address, length }) => `${address}/${length}`) ?? [];
  return [
    http3 === null ? "" : ", HTTP/3 on UDP too (experimental)",
    from.length === 0 ? "" : `, told the client by ${from.join(", ")}`,
    mostConnections === null ? "" : `, at most ${mostConnections} connections`,
    mostPerSource === null ? "" : `, at most ${mostPerSource} from one source`,
  ].join("");
}

/** Describes servers that go by a name. */
export function namedLine({ checks, isBackup, lookup, port, weight }: NamedServers): string {
  const { name, resolvers } = lookup;
  const what = port === null ? `${name}, as SRV records say` : `${name}:${port} weight ${weight}`;
  const by = resolvers.length === 0 ? "" : ` by ${resolvers.map(formatEndpoint).join(", ")}`;
  const check = checks.length === 0 ? "not checked" : "checked";
  return `  ${what}, looked up${by}, ${check}${isBackup ? ", backup" : ""}`;
}

/** Says what is particular about an upstream. */
export function upstreamNotes({ keepAliveAgeMs, keepAliveRequests, proxyProtocol }: UpstreamPlan): string {
  return [
    proxyProtocol === null ? "" : `, told the client by PROXY protocol ${proxyProtocol}`,
    keepAliveRequests === null ? "" : `, up to ${keepAliveRequests} requests a connection`,
    keepAliveAgeMs === null ? "" : `, connections up to ${formatDuration(keepAliveAgeMs)} old`,
  ].join("");
}

/** Says how large the bodies of these requests may be; empty if they do not agree. */
export function bodyWords(routes: readonly RoutePlan[]): string {
  const [most, ...others] = new Set(routes.map(({ maxBodyBytes }) => maxBodyBytes));
  return most === undefined || others.length > 0 ? "" : `, bodies up to ${formatSize(most)}`;
}

/** Says how large the heads of a route's requests may be, where the listener does not. */
export function limitWords({ headLimits }: RoutePlan): string {
  const { startLineBytes = null, headBytes = null, fields = null } = headLimits ?? {};
  return [
    startLineBytes === null ? "" : `, request lines up to ${formatSize(startLineBytes)}`,
    headBytes === null ? "" : `, heads up to ${formatSize(headBytes)}`,
    fields === null ? "" : `, ${fields} fields at most`,
  ].join("");
}
