import type { Config } from "./config.ts";
import { localListeners, localServiceSockets, localSites, localUpstreams } from "./local.ts";
import type { ProxyPlan } from "./node-plan.ts";
import { plannedServer } from "./probes.ts";

/** Gives what the proxy processes of a node serve; with no listener and no relay there is no such process. */
export function planProxy(config: Config, node: string, cores: number): ProxyPlan {
  const listeners = localListeners(config, node).map(({ listener, sockets }) => ({
    name: listener.name,
    sockets,
    headTimeoutMs: listener.headTimeoutMs,
    idleTimeoutMs: listener.idleTimeoutMs,
  }));
  const relays = config.services
    .filter(({ forward }) => forward === "proxy")
    .map((service) => ({
      name: service.name,
      sockets: localServiceSockets(service, config, node),
      scheduler: service.scheduler,
      connectTimeoutMs: service.connectTimeoutMs,
      sorry: service.sorry,
      servers: service.servers.map(plannedServer),
    }))
    .filter(({ sockets }) => sockets.length > 0);
  const hasWork = listeners.length + relays.length > 0;
  return {
    workers: hasWork ? (config.proxy.workers ?? Math.max(1, cores)) : 0,
    user: config.proxy.user,
    listeners,
    relays,
    upstreams: localUpstreams(config, node).map((upstream) => ({
      name: upstream.name,
      balance: upstream.balance,
      keepAliveConnections: upstream.keepAliveConnections,
      keepAliveIdleMs: upstream.keepAliveIdleMs,
      servers: upstream.servers.map((server) => ({ ...plannedServer(server), isBackup: server.isBackup })),
    })),
    sites: localSites(config, node),
  };
}
