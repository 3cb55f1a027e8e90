import { formatEndpoint, type Endpoint } from "../base/address.ts";
import { counted } from "../config/describe-plan.ts";
import { concerns, parseDrainTarget } from "../ipc/drain-target.ts";
import type { NodeStatus, ProxiedServerStatus, ServerStatus } from "../ipc/status.ts";

/** PURE: what `edge-ha drain` says while it waits. */

/** Says how far the drains of these servers are, as the service shows them. */
export function describeDrain(
  servers: readonly string[],
  { services, proxied }: Pick<NodeStatus, "services" | "proxied">,
): { readonly text: string; readonly isOver: boolean } {
  const all = [...services, ...proxied].flatMap((service) =>
    service.servers
      .filter((server) => servers.some((name) => isNamed(name, service, server)))
      .map((server) => ({ name: `${service.name}/${formatEndpoint(server)}`, server })),
  );
  const open = all.filter(({ server }) => server.drain === "draining");
  if (open.length > 0) {
    const lines = open.map(({ name, server }) => `${name}: ${counted(openTo(server), "connection")} left`);
    return { text: lines.join("\n"), isOver: false };
  }
  const lines = all.flatMap(({ name, server: { drain, cutConnections } }) => {
    if (drain === null) return [`${name}: was put back meanwhile`];
    if (cutConnections === 0) return [];
    return [`${name}: taken out with ${counted(cutConnections, "connection")} still open`];
  });
  return { text: lines.length === 0 ? "no connection is left" : lines.join("\n"), isOver: true };
}

function openTo(server: ServerStatus | ProxiedServerStatus): number {
  if ("activeConnections" in server) return server.activeConnections + server.persistentConnections;
  return server.traffic?.open ?? 0;
}

function isNamed(name: string, service: { readonly name: string }, server: Endpoint): boolean {
  const target = parseDrainTarget(name);
  return target !== null && concerns(target, service, server);
}
