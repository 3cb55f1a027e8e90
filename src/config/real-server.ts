import { remembered } from "../base/remembered.ts";
import { familyOf, type Prefix } from "../base/address.ts";
import type { AgentForm } from "./agent-words.ts";
import type { InstanceConfig, NodeConfig, RealServerConfig, ServiceConfig } from "./config.ts";
import type { AgentEntry, RealServerEntry } from "./schema/real-server.ts";
import type { TunnelPlan } from "./service-plan.ts";
import { addressesOf, serviceAddresses, serviceSockets } from "./sockets.ts";
import { formatTunnel, type TunnelForm } from "./tunnel-words.ts";

/** What the rest of the file says. */
export interface Surroundings {
  readonly nodes: readonly NodeConfig[];
  readonly services: readonly ServiceConfig[];
  readonly instances: readonly InstanceConfig[];
}

/**
 * PURE: works out what web servers take on. Where nothing is said about it, they carry what is forwarded to them without
 * its address being changed, and unpack what the services pack up.
 */
export function realServerConfig(
  entry: RealServerEntry | undefined,
  { nodes, services, instances }: Surroundings,
): RealServerConfig {
  const kept = services.filter(({ servers }) =>
    servers.some(({ forward }) => forward === "dr" || forward === "tunnel"),
  );
  const named = entry === undefined ? [] : [...addressesOf(entry.vips, instances), ...entry.addresses];
  const addresses =
    named.length > 0 ? named : kept.flatMap((service) => serviceAddresses(service, instances));
  const tunnels = entry?.tunnel ?? services.flatMap(formsOf);
  return {
    addresses: [...new Set(addresses)],
    tunnels: [...new Map(tunnels.map((form) => [formatTunnel(form), form])).values()],
    sockets: kept.flatMap((service) => {
      const servers = serverAddresses(service);
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

const serverAddresses = remembered((service: ServiceConfig) =>
  Object.freeze(service.servers.map(({ address }) => address)),
);
const formsOf = remembered((service: ServiceConfig) => service.servers.flatMap(formOf));

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
