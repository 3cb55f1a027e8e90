import type { Endpoint } from "../base/address.ts";
import type { Config, ServiceConfig } from "./config.ts";
import { localServiceSockets, localUpstreams } from "./local.ts";
import type { DirectorPlan, IpvsServicePlan } from "./node-plan.ts";
import { plannedServer, probesOf } from "./probes.ts";
import { trackedServers } from "./tracked-servers.ts";

/** Gives a node's checks, each once, and its entries in the kernel's service table. */
export function planDirector(config: Config, node: string): DirectorPlan {
  const services = config.services
    .map((service) => ({ service, sockets: localServiceSockets(service, config, node) }))
    .filter(({ sockets }) => sockets.length > 0);
  const servers = [
    ...services.flatMap(({ service }) => service.servers),
    ...localUpstreams(config, node).flatMap((upstream) => upstream.servers),
    ...trackedServers(config, node),
  ];
  return {
    probes: probesOf(servers),
    services: services
      .filter(({ service }) => service.forward === "dr")
      .flatMap(({ service, sockets }) => sockets.map((socket) => ipvsService(service, socket))),
  };
}

function ipvsService(service: ServiceConfig, socket: Endpoint): IpvsServicePlan {
  const { name, protocol, scheduler, persistenceS, sorry } = service;
  const servers = service.servers.map(plannedServer);
  return { name, protocol, ...socket, forward: "dr", scheduler, persistenceS, sorry, servers };
}
