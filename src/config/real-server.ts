import { familyOf, type Prefix } from "../base/address.ts";
import type { AgentForm } from "./agent-words.ts";
import type { Config, NodeConfig, RealServerConfig } from "./config.ts";
import type { AgentEntry } from "./schema/real-server.ts";
import type { TunnelPlan } from "./service-plan.ts";
import { addressesOf, serviceAddresses, serviceSockets } from "./sockets.ts";
import { formatTunnel, type TunnelForm } from "./tunnel-words.ts";

/**
 * PURE: works out what web servers take on. Where nothing is said about it, they carry what is forwarded to them without
 * its address being changed, and unpack what the services pack up.
 */
export function realServerConfig(
  config: Pick<Config, "nodes" | "services" | "instances" | "realServer">,
): RealServerConfig {
  const { nodes, services, instances, realServer: entry } = config;
  const kept = services.filter(({ servers }) =>
    servers.some(({ forward }) => forward === "dr" || forward === "tunnel"),
  );
  const named = entry === null ? [] : [...addressesOf(entry.vips, instances), ...entry.addresses];
  const addresses =
    named.length > 0 ? named : kept.flatMap((service) => serviceAddresses(service, instances));
  const tunnels = entry?.tunnel ?? services.flatMap(({ servers }) => servers.flatMap(formOf));
  return {
    addresses: [...new Set(addresses)],
    tunnels: [...new Map(tunnels.map((form) => [formatTunnel(form), form])).values()],
    sockets: kept.flatMap((service) => {
      const servers = service.servers.map(({ address }) => address);
      const { protocol } = service;
      return serviceSockets(service, instances).map(({ address, port }) => ({
        address,
        port,
        protocol,
        servers,
      }));
    }),
    agent: agentForm(entry?.agent ?? null, nodes),
    health: entry?.health ?? null,
  };
}

/** Without a word about it, the nodes may ask the agent, and the machine itself. */
function agentForm(entry: AgentEntry | null, nodes: readonly NodeConfig[]): AgentForm | null {
  if (entry === null) return null;
  const { address, allow, weight } = entry;
  const known = ["127.0.0.1", "::1", ...nodes.flatMap((node) => node.addresses.map((own) => own.address))];
  const usual = known.map((one): Prefix => ({ address: one, length: familyOf(one) === 4 ? 32 : 128 }));
  return { ...address, allow: allow ?? usual, weight };
}

function formOf({
  address,
  tunnel,
}: {
  readonly address: string;
  readonly tunnel: TunnelPlan | null;
}): readonly TunnelForm[] {
  if (tunnel === null) return [];
  const { type, port, checksum } = tunnel;
  const isGue = type === "gue";
  return [
    {
      type,
      over: familyOf(address),
      port: isGue ? port : null,
      hasChecksum: type === "gre" && checksum !== "none",
    },
  ];
}
