import { formatEndpoint } from "../base/address.ts";
import type { NamedServers } from "./http-config.ts";
import type { ListenerPlan, UpstreamPlan } from "./http-plan.ts";

/** Says what is particular about a listener. */
export function listenerNotes({ mostConnections, mostPerSource, proxyProtocol }: ListenerPlan): string {
  const from = proxyProtocol?.from.map(({ address, length }) => `${address}/${length}`) ?? [];
  return [
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
export function upstreamNotes({ proxyProtocol }: UpstreamPlan): string {
  return proxyProtocol === null ? "" : `, told the client by PROXY protocol ${proxyProtocol}`;
}
