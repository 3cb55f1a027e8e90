import type { Endpoint } from "../base/address.ts";
import type { Config, ServerConfig, ServiceConfig, ServiceServerConfig } from "./config.ts";
import type { UpstreamConfig, UpstreamServerConfig } from "./http-config.ts";
import { localInstances, localUpstreams, serversBehind } from "./local.ts";
import type { LookupPlan } from "./lookup-plan.ts";
import { serversByName, type Found } from "./named-servers.ts";
import type { DirectorPlan } from "./node-plan.ts";
import { plannedServer, probeSetsOf, probesOf } from "./probes.ts";
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

/** Gives the names that a node looks up, each once. */
export function planLookups(config: Config, node: string): readonly LookupPlan[] {
  const lookups = localUpstreams(config, node).flatMap(({ named }) => named.map(({ lookup }) => lookup));
  return [...new Map(lookups.map((lookup) => [lookup.id, lookup])).values()];
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
    return [{ kind: "relay", name, group, protocol, sockets: own, ...policy, servers, named: [] }];
  });
}

function relayServer(server: ServiceServerConfig & ServerConfig): ProxiedServerPlan {
  const { upperThreshold, lowerThreshold, inhibits, slowStartMs } = server;
  return {
    ...plannedServer(server),
    upperThreshold,
    lowerThreshold,
    inhibits,
    slowStartMs,
    isDrained: false,
  };
}

function upstreamOf({ name, balance, named, servers }: UpstreamConfig): ProxiedPlan {
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
    servers: servers.map(upstreamServer),
    named,
  };
}

/** A request that is on its way to a server goes on whatever a check says, so none is taken from it. */
function upstreamServer(server: UpstreamServerConfig): ProxiedServerPlan {
  const { isDrained, slowStartMs } = server;
  const usual = { upperThreshold: 0, lowerThreshold: 0, inhibits: true };
  return { ...plannedServer(server), ...usual, slowStartMs, isDrained };
}

/** Gives a director's plan with the servers that names stand for. PURE. */
export function withNamedServers(plan: DirectorPlan, found: Found): DirectorPlan {
  if (plan.lookups.length === 0) return plan;
  const groups = plan.proxied.map(({ named, servers }) => serversByName(named, found, servers));
  const all = groups.flat();
  const known = new Set([...plan.probes, ...plan.probeSets].map(({ id }) => id));
  const isNew = ({ id }: { readonly id: string }): boolean => !known.has(id);
  return {
    ...plan,
    probes: [...plan.probes, ...probesOf(all).filter(isNew)],
    probeSets: [...plan.probeSets, ...probeSetsOf(all).filter(isNew)],
    proxied: plan.proxied.map((group, index) => {
      const own = groups[index] ?? [];
      return own.length === 0 ? group : { ...group, servers: [...group.servers, ...own.map(upstreamServer)] };
    }),
  };
}
