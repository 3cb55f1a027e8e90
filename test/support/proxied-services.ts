import type { ProxiedPlan, ProxiedServerPlan } from "../../src/config/proxied-plan.ts";

/** A server of a planned relay, `10.99.0.{part}:80`, with a probe named after its part, such as `probe 21`. */
export function proxiedServer(part: number, change: Partial<ProxiedServerPlan> = {}): ProxiedServerPlan {
  const limits = { upperThreshold: 0, lowerThreshold: 0, inhibits: false, slowStartMs: 0, isDrained: false };
  return { address: `10.99.0.${part}`, port: 80, weight: 1, probe: `probe ${part}`, ...limits, ...change };
}

/** A planned relay on 10.99.0.101:80 with two servers. */
export function plannedRelay(change: Partial<ProxiedPlan> = {}): ProxiedPlan {
  return {
    kind: "relay",
    name: "web",
    group: "web",
    protocol: "tcp",
    sockets: [{ address: "10.99.0.101", port: 80 }],
    scheduler: "wrr",
    persistenceS: 0,
    sorry: null,
    quorum: { weight: 1, hysteresis: 0, up: null, down: null, endsOnStop: false },
    startsDown: false,
    damping: null,
    servers: [proxiedServer(21), proxiedServer(22)],
    named: [],
    ...change,
  };
}
