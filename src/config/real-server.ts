import { familyOf } from "../base/address.ts";
import type { InstanceConfig, RealServerConfig, ServiceConfig } from "./config.ts";
import type { RealServerEntry } from "./schema/cluster.ts";
import type { TunnelPlan } from "./service-plan.ts";
import { addressesOf, serviceAddresses } from "./sockets.ts";
import { formatTunnel, type TunnelForm } from "./tunnel-words.ts";

/**
 * PURE: works out what web servers take on. Where nothing is said about it, they carry what is forwarded to them without
 * its address being changed, and unpack what the services pack up.
 */
export function realServerConfig(
  entry: RealServerEntry | undefined,
  services: readonly ServiceConfig[],
  instances: readonly InstanceConfig[],
): RealServerConfig {
  const kept = services.filter(({ servers }) =>
    servers.some(({ forward }) => forward === "dr" || forward === "tunnel"),
  );
  const named = entry === undefined ? [] : [...addressesOf(entry.vips, instances), ...entry.addresses];
  const addresses =
    named.length > 0 ? named : kept.flatMap((service) => serviceAddresses(service, instances));
  const tunnels = entry?.tunnel ?? services.flatMap(({ servers }) => servers.flatMap(formOf));
  return {
    addresses: [...new Set(addresses)],
    tunnels: [...new Map(tunnels.map((form) => [formatTunnel(form), form])).values()],
  };
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
