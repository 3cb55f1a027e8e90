import type { Endpoint } from "../base/address.ts";
import type { Config, ServerConfig, ServiceConfig, ServiceServerConfig } from "./config.ts";
import type { UpstreamConfig, UpstreamServerConfig } from "./http-config.ts";
import type { UpstreamPlan, UpstreamServerPlan } from "./http-plan.ts";
import { localInstances, localListeners, localSites, localUpstreams, serversBehind } from "./local.ts";
import { serversByName, type Found } from "./named-servers.ts";
import type { ProxyPlan, RelayPlan, RelayServerPlan } from "./node-plan.ts";
import { relayName } from "./plan-proxied.ts";
import { plannedServer } from "./probes.ts";
import { serviceSockets } from "./sockets.ts";

/** How long IPVS keeps a flow if nobody says otherwise. */
const kernelUdpTimeoutS = 300;

/** Gives what the proxy processes of a node serve; with no listener and no relay there is no such process. */
export function planProxy(config: Config, node: string, cores: number): ProxyPlan {
  const listeners = localListeners(config, node);
  const instances = localInstances(config, node);
  const usualIdleMs = (config.ipvs.udpTimeoutS ?? kernelUdpTimeoutS) * 1000;
  const relays = config.services
    .filter(({ forward }) => forward === "proxy")
    .flatMap((service) => relaysOf(service, serviceSockets(service, instances), usualIdleMs))
    .filter(({ sockets }) => sockets.length > 0);
  const hasWork = listeners.length + relays.length > 0;
  return {
    workers: hasWork ? (config.proxy.workers ?? Math.max(1, cores)) : 0,
    user: config.proxy.user,
    mostFlows: config.proxy.mostFlows,
    mostConnections: config.proxy.mostConnections,
    drainMs: config.proxy.drainMs,
    cacheBytes: config.proxy.cacheBytes,
    via: config.proxy.via ?? viaOf(config.cluster, node),
    listeners,
    relays,
    upstreams: localUpstreams(config, node).map(upstreamPlan),
    sites: localSites(config, node),
  };
}

/** A name of the node's own: a request that meets it again has gone round in a circle. It has to be a token. */
function viaOf(cluster: string, node: string): string {
  return `edge-ha-${cluster}-${node}`.replaceAll(":", "-");
}

function upstreamPlan(upstream: UpstreamConfig): UpstreamPlan {
  return { ...upstream, servers: upstream.servers.map(upstreamServer) };
}

function upstreamServer(server: UpstreamServerConfig): UpstreamServerPlan {
  const { isBackup, mostConnections, name } = server;
  return { ...plannedServer(server), isBackup, mostConnections, name };
}

/** Gives the servers of an upstream, with those that names stand for. */
export function upstreamServers(
  { named, servers }: UpstreamPlan,
  found: Found,
): readonly UpstreamServerPlan[] {
  return named.length === 0
    ? servers
    : [...servers, ...serversByName(named, found, servers).map(upstreamServer)];
}

/** Gives a relay for each port, for each leads to servers of its own. */
function relaysOf(
  service: ServiceConfig,
  sockets: readonly Endpoint[],
  usualIdleMs: number,
): readonly RelayPlan[] {
  const { ports, scheduler, schedulerFlags, persistenceS, persistencePrefix } = service;
  const { connectTimeoutMs, isOnePacket, protocol, proxyProtocol, sorry, startsDown } = service;
  const idleTimeoutMs = service.idleTimeoutMs ?? usualIdleMs;
  if (scheduler === "lblc" || scheduler === "lblcr") throw new Error(`${scheduler} does not relay`);
  return ports.map((port) => ({
    name: relayName(service, port),
    udp: protocol === "udp" ? { idleTimeoutMs, isOnePacket } : null,
    sockets: sockets.filter((socket) => socket.port === port),
    scheduler,
    schedulerFlags,
    persistenceS,
    persistencePrefix,
    connectTimeoutMs,
    proxyProtocol,
    sorry,
    startsDown,
    servers: serversBehind(service, port, []).map(relayServer),
  }));
}

function relayServer(server: ServiceServerConfig & ServerConfig): RelayServerPlan {
  const { upperThreshold, lowerThreshold } = server;
  return { ...plannedServer(server), upperThreshold, lowerThreshold };
}
