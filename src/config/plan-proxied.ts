import type { Endpoint } from "../base/address.ts";
import type { Config, ServerConfig, ServiceConfig, ServiceServerConfig } from "./config.ts";
import type { UpstreamConfig } from "./http-config.ts";
import { localInstances, localUpstreams, serversBehind } from "./local.ts";
import { plannedServer } from "./probes.ts";
import type { ProxiedPlan, ProxiedServerPlan } from "./proxied-plan.ts";
import { serviceSockets } from "./sockets.ts";

/** Gives what the proxies of a node balance, for the director that decides how their servers stand. */
export function planProxied(config: Config, node: string): readonly ProxiedPlan[] {
  const instances = localInstances(config, node);
  return [
    ...config.services
      .filter(({ forward }) => forward === "proxy")
      .flatMap((service) => relaysOf(service, serviceSockets(service, instances))),
    ...localUpstreams(config, node).map(upstreamOf),
  ];
}

/** Names the relay of one port of a service. */
export function relayName({ name, ports }: ServiceConfig, port: number): string {
  return ports.length === 1 ? name : `${name}:${port}`;
}

function relaysOf(service: ServiceConfig, sockets: readonly Endpoint[]): readonly ProxiedPlan[] {
  const { name, protocol, scheduler, persistenceS, sorry, quorum, startsDown, damping } = service;
  return service.ports.flatMap((port): readonly ProxiedPlan[] => {
    const own = sockets.filter((socket) => socket.port === port);
    if (own.length === 0) return [];
    const servers = serversBehind(service, port, []).map(relayServer);
    const group = relayName(service, port);
    const policy = { scheduler, persistenceS, sorry, quorum, startsDown, damping };
    return [{ kind: "relay", name, group, protocol, sockets: own, ...policy, servers }];
  });
}

function relayServer(server: ServiceServerConfig & ServerConfig): ProxiedServerPlan {
  const { upperThreshold, lowerThreshold, inhibits, slowStartMs } = server;
  return { ...plannedServer(server), upperThreshold, lowerThreshold, inhibits, slowStartMs };
}

/** A request that is on its way to a server goes on whatever a check says, so none is taken from it. */
function upstreamOf({ name, balance, servers }: UpstreamConfig): ProxiedPlan {
  return {
    kind: "upstream",
    name,
    group: name,
    protocol: "tcp",
    sockets: [],
    scheduler: balance,
    persistenceS: 0,
    sorry: null,
    quorum: { weight: 1, hysteresis: 0, up: null, down: null, endsOnStop: false },
    startsDown: false,
    damping: null,
    servers: servers.map((server) => ({
      ...plannedServer(server),
      upperThreshold: 0,
      lowerThreshold: 0,
      inhibits: true,
      slowStartMs: server.slowStartMs,
    })),
  };
}
