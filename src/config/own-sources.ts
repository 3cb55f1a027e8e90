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

function withOwnSource<Server extends { readonly checks: readonly CheckConfig[] }>(
  server: Server,
  node: string,
): Server {
  if (server.checks.every(({ source }) => source === null || typeof source === "string")) return server;
  const checks = server.checks.map((check): CheckConfig =>
    check.source === null ? check : { ...check, source: perNodeValue(check.source, node) },
  );
  return { ...server, checks };
}
