import type { DirectorPlan } from "../config/node-plan.ts";
import type { IpvsServerPlan, IpvsServicePlan } from "../config/service-plan.ts";

/**
 * A whole director's plan on its way between two processes, as JSON in strings: its services in pieces, and then the rest.
 * PURE. A plan of 37,000 servers is seven megabytes, for which the runtime takes three times as long if it is to pass them on
 * as objects. Most servers of a service differ in three things only: as lists of these it is a fifth of that, to be written,
 * passed on and read.
 */
interface ServiceOnItsWay extends Omit<IpvsServicePlan, "servers"> {
  readonly servers: readonly IpvsServerPlan[] | AlikeServers;
}

/** Servers that differ in nothing but what there are lists of. */
interface AlikeServers {
  readonly like: IpvsServerPlan;
  readonly addresses: readonly IpvsServerPlan["address"][];
  readonly weights: readonly IpvsServerPlan["weight"][];
  /** Empty if none has one. */
  readonly probes: readonly IpvsServerPlan["probe"][];
}

/** Writes a plan but for its services, which `servicesTexts` writes. */
export function planText(plan: DirectorPlan): string {
  return JSON.stringify({ ...plan, services: [] });
}

/** Reads what `planText` has written in another process of this very executable; the services have come before. */
export function planOfText(text: string, services: readonly IpvsServicePlan[]): DirectorPlan {
  return { ...(JSON.parse(text) as DirectorPlan), services };
}

/** So many servers go together: the other process reads them while the next are written. */
const serversTogether = 2_000;

/** Writes services in pieces. */
export function* servicesTexts(services: readonly IpvsServicePlan[]): Generator<string> {
  let start = 0;
  let servers = 0;
  for (const [index, service] of services.entries()) {
    servers += service.servers.length;
    if (servers < serversTogether) continue;
    yield JSON.stringify(onTheirWay(services.slice(start, index + 1)));
    start = index + 1;
    servers = 0;
  }
  if (start < services.length) yield JSON.stringify(onTheirWay(services.slice(start)));
}

/** Reads such a piece. */
export function servicesOfText(text: string): readonly IpvsServicePlan[] {
  return (JSON.parse(text) as readonly ServiceOnItsWay[]).map(arrivedService);
}

function onTheirWay(services: readonly IpvsServicePlan[]): readonly ServiceOnItsWay[] {
  return services.map((service) => ({ ...service, servers: serversOnTheirWay(service.servers) }));
}

function arrivedService(service: ServiceOnItsWay): IpvsServicePlan {
  return Object.assign(service, { servers: arrivedServers(service) });
}

function serversOnTheirWay(servers: readonly IpvsServerPlan[]): readonly IpvsServerPlan[] | AlikeServers {
  const [like] = servers;
  if (like === undefined) return servers;
  const addresses: AlikeServers["addresses"][number][] = [];
  const weights: AlikeServers["weights"][number][] = [];
  let hasProbes = false;
  for (const server of servers) {
    if (!isAlike(server, like)) return servers;
    addresses.push(server.address);
    weights.push(server.weight);
    if (server.probe !== null) hasProbes = true;
  }
  return { like, addresses, weights, probes: hasProbes ? servers.map(({ probe }) => probe) : [] };
}

function isAlike(server: IpvsServerPlan, like: IpvsServerPlan): boolean {
  return (
    server.port === like.port &&
    server.forward === like.forward &&
    server.tunnel === like.tunnel &&
    server.upperThreshold === like.upperThreshold &&
    server.lowerThreshold === like.lowerThreshold &&
    server.inhibits === like.inhibits &&
    server.slowStartMs === like.slowStartMs
  );
}

function arrivedServers({ servers }: ServiceOnItsWay): readonly IpvsServerPlan[] {
  if (!("like" in servers)) return servers;
  const { like, addresses, weights, probes } = servers;
  // Each thing by its name, which costs a fifth of taking over whatever there is.
  return addresses.map((address, index): Required<IpvsServerPlan> => ({
    address,
    port: like.port,
    weight: weights[index] ?? like.weight,
    probe: probes[index] ?? null,
    forward: like.forward,
    tunnel: like.tunnel,
    upperThreshold: like.upperThreshold,
    lowerThreshold: like.lowerThreshold,
    inhibits: like.inhibits,
    slowStartMs: like.slowStartMs,
  }));
}
