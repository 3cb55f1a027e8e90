import { familyOf, type Endpoint } from "../base/address.ts";
import type { IpvsServicePlan } from "../config/node-plan.ts";
import type { IpvsKey, IpvsServer, IpvsService } from "../kernel/ipvs.ts";

/**
 * What the kernel's table should hold: the plan's services with the servers that are up. PURE. Knows neither what
 * the kernel holds now (plan.ts) nor how to change it (apply.ts).
 */

/** Tells whether the server behind a probe is up. */
export type IsUp = (probe: string) => boolean;

/** The protocol number of TCP. */
const tcp = 6;

/** Gives the whole table that the plan and the verdicts ask for. */
export function desiredTable(services: readonly IpvsServicePlan[], isUp: IsUp): readonly IpvsService[] {
  return services.map((service) => desiredService(service, isUp));
}

/** Gives the kernel's identity of a planned service. */
export function keyOf(service: Pick<IpvsServicePlan, "address" | "port">): IpvsKey {
  const { address, port } = service;
  return { family: familyOf(address), protocol: tcp, address, port };
}

/** Tells whether no server can take a new connection, so that the sorry server has to, if there is one. */
export function needsSorry(service: IpvsServicePlan, isUp: IsUp): boolean {
  return !service.servers.some((server) => server.weight > 0 && isServerUp(server.probe, isUp));
}

/**
 * Gives the sorry server as it is entered: at the service's port, which direct routing does not change. A local one is
 * what listens there on the virtual address (docs/decisions/sorry-server-in-direct-routing.md).
 */
export function sorryEndpoint(service: IpvsServicePlan): Endpoint | null {
  return service.sorry === null ? null : { address: service.sorry.address, port: service.port };
}

function desiredService(service: IpvsServicePlan, isUp: IsUp): IpvsService {
  const key = keyOf(service);
  const servers = service.servers
    .filter(({ probe }) => isServerUp(probe, isUp))
    .map((server) => entry(server, server.weight));
  const sorry = needsSorry(service, isUp) ? sorryEndpoint(service) : null;
  return {
    key,
    scheduler: service.scheduler,
    flags: 0,
    persistenceS: service.persistenceS,
    netmask: key.family === 4 ? 32 : 128,
    servers: sorry === null ? servers : [...servers, entry(sorry, 1)],
  };
}

function isServerUp(probe: string | null, isUp: IsUp): boolean {
  return probe === null || isUp(probe);
}

function entry({ address, port }: Endpoint, weight: number): IpvsServer {
  return {
    address,
    port,
    forward: "dr",
    weight,
    upperThreshold: 0,
    lowerThreshold: 0,
    activeConnections: 0,
    inactiveConnections: 0,
    persistentConnections: 0,
  };
}
