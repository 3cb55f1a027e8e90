import { familyOf } from "../../src/base/address.ts";
import type { IpvsServerPlan, IpvsServicePlan, IpvsTargetPlan } from "../../src/config/service-plan.ts";

/** A server of a planned service with a probe named after its last part, such as `probe 21`. */
export function plannedServer(address: string, change: Partial<IpvsServerPlan> = {}): IpvsServerPlan {
  return {
    ...plannedTarget(address),
    weight: 1,
    probe: `probe ${address.split(".").at(-1)}`,
    upperThreshold: 0,
    lowerThreshold: 0,
    inhibits: false,
    slowStartMs: 0,
    ...change,
  };
}

/** A server as a sorry server names it: direct routing to port 80. */
export function plannedTarget(address: string, change: Partial<IpvsTargetPlan> = {}): IpvsTargetPlan {
  return { address, port: 80, forward: "dr", tunnel: null, ...change };
}

/** What a test says of a service: `address` and `port` stand for its key. */
interface Change extends Partial<IpvsServicePlan> {
  readonly address?: string;
  readonly port?: number;
}

/** A planned service on 10.99.0.101:80 with two servers. */
export function plannedService(change: Change = {}): IpvsServicePlan {
  const { address = "10.99.0.101", port = 80, ...rest } = change;
  const family = familyOf(address);
  return {
    name: "web",
    key: { family, protocol: "tcp", address, port },
    scheduler: "wrr",
    schedulerFlags: [],
    isOnePacket: false,
    persistenceS: 0,
    persistencePrefix: family === 4 ? 32 : 128,
    persistenceEngine: null,
    sorry: null,
    quorum: { weight: 1, hysteresis: 0, up: null, down: null, endsOnStop: false },
    startsDown: false,
    damping: null,
    servers: [plannedServer("10.99.0.21"), plannedServer("10.99.0.22")],
    ...rest,
  };
}
