import type { CheckConfig, Config } from "./config.ts";
import { perNodeValue } from "./schema/per-node.ts";

/** Gives the cluster as one node sees it: of sources that differ from node to node, its own. */
export function withOwnSources(config: Config, node: string): Config {
  return {
    ...config,
    services: config.services.map((service) => ({
      ...service,
      servers: service.servers.map((server) => withOwnSource(server, node)),
    })),
    upstreams: config.upstreams.map((upstream) => ({
      ...upstream,
      servers: upstream.servers.map((server) => withOwnSource(server, node)),
    })),
  };
}

function withOwnSource<Server extends { readonly check: CheckConfig | null }>(
  server: Server,
  node: string,
): Server {
  const { check } = server;
  if (check === null || check.source === null || typeof check.source === "string") return server;
  const own: CheckConfig = { ...check, source: perNodeValue(check.source, node) };
  return { ...server, check: own };
}
