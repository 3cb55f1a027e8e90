import { familyOf } from "../base/address.ts";
import type { Config, InstanceConfig, ServerConfig, ServiceConfig, ServiceServerConfig } from "./config.ts";
import type { UpstreamConfig } from "./http-config.ts";
import type { ListenerPlan, SitePlan } from "./http-plan.ts";
import { listenerSockets } from "./sockets.ts";

/** What of the cluster concerns one node: a VIP that it never holds, and what answers on that alone, does not. */

/** Gives the virtual routers that a node takes part in. */
export function localInstances(config: Config, node: string): readonly InstanceConfig[] {
  return config.instances.filter(({ members }) => members.some((member) => member.node === node));
}

const noVips: readonly string[] = [];

/** Gives the servers of a service as they are behind one of its ports and these of its addresses. */
export function serversBehind(
  service: ServiceConfig,
  port: number | null,
  addresses: readonly string[],
): readonly (ServiceServerConfig & ServerConfig)[] {
  return service.servers.map((server) => serverBehind(server, port, addresses));
}

/** Gives a server so; a port of null is a service that goes by a firewall mark. */
export function serverBehind(
  server: ServiceServerConfig,
  port: number | null,
  addresses: readonly string[],
): ServiceServerConfig & ServerConfig {
  // Few checks ask, and servers are many.
  const asks = server.checks.some(({ via }) => via !== null);
  const family = asks ? familyOf(server.address) : null;
  const vips = asks ? addresses.filter((address) => familyOf(address) === family) : noVips;
  return { ...server, port: server.port ?? port ?? 0, vips };
}

/** Gives the listeners that have a socket on a node. */
export function localListeners(config: Config, node: string): readonly ListenerPlan[] {
  const instances = localInstances(config, node);
  return config.listeners
    .map(({ place, ...listener }) => ({ ...listener, sockets: listenerSockets(place, instances) }))
    .filter(({ sockets }) => sockets.length > 0);
}

/** Gives the sites that a node serves, each with those of its listeners that are there. */
export function localSites(config: Config, node: string): readonly SitePlan[] {
  const names = new Set(localListeners(config, node).map(({ name }) => name));
  return config.sites
    .map((site) => ({ ...site, listeners: site.listeners.filter((name) => names.has(name)) }))
    .filter(({ listeners }) => listeners.length > 0);
}

/** Gives the upstreams that a route on a node leads to: those nobody asks are not checked. */
export function localUpstreams(config: Config, node: string): readonly UpstreamConfig[] {
  const routes = localSites(config, node).flatMap((site) => site.routes);
  const used = new Set<string | null>(routes.map(({ upstream }) => upstream));
  return config.upstreams.filter(({ name }) => used.has(name));
}
