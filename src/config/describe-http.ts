import type { ListenerPlan, UpstreamPlan } from "./http-plan.ts";

/** Says what is particular about a listener. */
export function listenerNotes({ proxyProtocol }: ListenerPlan): string {
  if (proxyProtocol === null) return "";
  const from = proxyProtocol.from.map(({ address, length }) => `${address}/${length}`).join(", ");
  return `, told the client by ${from}`;
}

/** Says what is particular about an upstream. */
export function upstreamNotes({ proxyProtocol }: UpstreamPlan): string {
  return proxyProtocol === null ? "" : `, told the client by PROXY protocol ${proxyProtocol}`;
}
