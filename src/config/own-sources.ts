import type { CheckConfig, Config } from "./config.ts";
import type { UpstreamConfig } from "./http-config.ts";
import { perNodeValue } from "./schema/per-node.ts";

/** Gives the cluster as one node sees it: of sources that differ from node to node, its own. */
export function withOwnSources(config: Config, node: string): Config {
  return {
    ...config,
    services: config.services.map((service) => withOwnServers(service, node)),
    upstreams: config.upstreams.map((upstream) => withOwnNamed(withOwnServers(upstream, node), node)),
  };
}

/** What has no such source stays the very same, so that what was planned for it still holds. */
function withOwnServers<
  Group extends { readonly servers: readonly { readonly checks: readonly CheckConfig[] }[] },
>(group: Group, node: string): Group {
  if (group.servers.every(hasOneSource)) return group;
  return { ...group, servers: group.servers.map((server) => withOwnSource(server, node)) };
}

/** Tells whether checks come from the same address on every node. */
function hasOneSource({ checks }: { readonly checks: readonly CheckConfig[] }): boolean {
  return checks.every(({ source }) => source === null || typeof source === "string");
}

function withOwnNamed(upstream: UpstreamConfig, node: string): UpstreamConfig {
  if (upstream.named.every(hasOneSource)) return upstream;
  return { ...upstream, named: upstream.named.map((server) => withOwnSource(server, node)) };
}

function withOwnSource<Server extends { readonly checks: readonly CheckConfig[] }>(
  server: Server,
  node: string,
): Server {
  if (hasOneSource(server)) return server;
  const checks = server.checks.map((check): CheckConfig =>
    check.source === null ? check : { ...check, source: perNodeValue(check.source, node) },
  );
  return { ...server, checks };
}
