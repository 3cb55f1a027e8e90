import type { DirectorPlan } from "../config/node-plan.ts";
import type { IpvsServerPlan, IpvsServicePlan } from "../config/service-plan.ts";

/**
 * A whole director's plan on its way between two processes, as JSON in one string. PURE. A plan of 37,000 servers is seven
 * megabytes, for which the runtime takes three times as long if it is to pass them on as objects. Most servers of a service
 * differ in three things only: as lists of these it is a fifth of that, to be written, passed on and read.
 */
interface PlanOnItsWay extends Omit<DirectorPlan, "services"> {
  readonly services: readonly ServiceOnItsWay[];
}

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

export function planText(plan: DirectorPlan): string {
  const services = plan.services.map((service): ServiceOnItsWay => {
    return { ...service, servers: serversOnTheirWay(service.servers) };
  });
  return JSON.stringify({ ...plan, services } satisfies PlanOnItsWay);
}

/** Reads what `planText` has written in another process of this very executable. */
export function planOfText(text: string): DirectorPlan {
  const plan = JSON.parse(text) as PlanOnItsWay;
  const services = plan.services.map((service) => Object.assign(service, { servers: arrived(service) }));
  return { ...plan, services };
}

function serversOnTheirWay(servers: readonly IpvsServerPlan[]): readonly IpvsServerPlan[] | AlikeServers {
  const [like] = servers;
  if (like === undefined || !servers.every((server) => isAlike(server, like))) return servers;
  const hasProbes = servers.some(({ probe }) => probe !== null);
  return {
    like,
    addresses: servers.map(({ address }) => address),
    weights: servers.map(({ weight }) => weight),
    probes: hasProbes ? servers.map(({ probe }) => probe) : [],
  };
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

function arrived({ servers }: ServiceOnItsWay): readonly IpvsServerPlan[] {
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
