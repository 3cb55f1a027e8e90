import type { Config, ServerConfig, ServersTrackConfig } from "./config.ts";
import { serviceAddresses } from "./sockets.ts";
import { localInstances, serversBehind } from "./local.ts";

/** Gives the servers that a track counts: those that take traffic, which neither weight 0 nor a backup does. */
export function countingServers(track: ServersTrackConfig, config: Config): readonly ServerConfig[] {
  const { of, target } = track;
  const isNamed = ({ name }: { readonly name: string }): boolean => name === target;
  const servers: readonly ServerConfig[] =
    of === "service"
      ? config.services.filter(isNamed).flatMap((service) => {
          const addresses = serviceAddresses(service, config.instances);
          return serversBehind(service, service.ports[0] ?? null, addresses);
        })
      : config.upstreams
          .filter(isNamed)
          .flatMap((upstream) =>
            upstream.servers.filter(({ isBackup, isDrained }) => !isBackup && !isDrained),
          );
  return servers.filter(({ weight }) => weight > 0);
}

/** Gives the servers that a node's claims depend on: it has to check them even if it sends them nothing. */
export function trackedServers(config: Config, node: string): readonly ServerConfig[] {
  const names = new Set(localInstances(config, node).flatMap((instance) => instance.tracks));
  return config.tracks.flatMap((track) =>
    track.kind === "servers" && names.has(track.name) ? countingServers(track, config) : [],
  );
}
