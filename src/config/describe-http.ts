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

/** Says what is particular about an upstream. */
export function upstreamNotes({ proxyProtocol }: UpstreamPlan): string {
  return proxyProtocol === null ? "" : `, told the client by PROXY protocol ${proxyProtocol}`;
}
