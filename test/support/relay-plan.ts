import type { ProxyPlan, RelayPlan } from "../../src/config/node-plan.ts";
import { simplePlan } from "./proxy-driver.ts";

/** A plan of one relay on loopback and nothing else: connections to `port` go to servers on `ports`. */
export function relaying(port: number, ports: readonly number[], more: Partial<RelayPlan> = {}): ProxyPlan {
  const servers = ports.map((server) => ({
    address: "127.0.0.1",
    port: server,
    weight: 1,
    probe: `p${server}`,
    upperThreshold: 0,
    lowerThreshold: 0,
  }));
  const sockets = [{ address: "127.0.0.1", port }];
  const relay = {
    name: "tcp",
    udp: null,
    sockets,
    scheduler: "wrr" as const,
    schedulerFlags: [],
    persistenceS: 0,
    persistencePrefix: { ipv4: 32, ipv6: 128 },
    connectTimeoutMs: 500,
    proxyProtocol: null,
    sorry: null,
    startsDown: false,
    servers,
    ...more,
  };
  return simplePlan(0, [], { listeners: [], sites: [], relays: [relay] });
}
