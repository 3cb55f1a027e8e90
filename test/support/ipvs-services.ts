import type { IpvsServicePlan, ServicePlanServer } from "../../src/config/node-plan.ts";

/** A server of a planned service with a probe named after its last part, such as `probe 21`. */
export function plannedServer(address: string, change: Partial<ServicePlanServer> = {}): ServicePlanServer {
  return { address, port: 80, weight: 1, probe: `probe ${address.split(".").at(-1)}`, ...change };
}

/** A planned service on 10.99.0.101:80 with two servers. */
export function plannedService(change: Partial<IpvsServicePlan> = {}): IpvsServicePlan {
  return {
    name: "web",
    protocol: "tcp",
    address: "10.99.0.101",
    port: 80,
    forward: "dr",
    scheduler: "wrr",
    persistenceS: 0,
    sorry: null,
    servers: [plannedServer("10.99.0.21"), plannedServer("10.99.0.22")],
    ...change,
  };
}
