import type { IpvsServerPlan, IpvsServicePlan } from "../config/service-plan.ts";

/**
 * How the servers of a service stand at a moment: what the checks say, what the operator has ordered, and what time has
 * to do with it. PURE: the answers come from those who keep them.
 */

/** Tells whether the server behind a probe is up; null while there is no result. */
export type IsUp = (probe: string) => boolean | null;

/** How far a drain is. */
export type DrainState = "draining" | "drained";

/** What besides the checks decides how a server stands. */
export interface Circumstances {
  drainOf(service: IpvsServicePlan, server: IpvsServerPlan): DrainState | null;
  /** Whether a server that changes too often is kept out for a while. */
  isHeldOut(service: IpvsServicePlan, server: IpvsServerPlan): boolean;
  /** The share of its weight that a server which has just come back gets, above 0 and up to 1. */
  shareOf(service: IpvsServicePlan, server: IpvsServerPlan): number;
  hasQuorum(service: IpvsServicePlan, liveWeight: number): boolean;
}

/** Nothing ordered, nobody slow, and a quorum as soon as the weights say so. */
export const plainCircumstances: Circumstances = {
  drainOf: () => null,
  isHeldOut: () => false,
  shareOf: () => 1,
  hasQuorum: ({ quorum }, liveWeight) => liveWeight >= quorum.weight,
};

/** A server at a moment. */
export interface Standing {
  readonly server: IpvsServerPlan;
  readonly isUp: boolean;
  readonly drain: DrainState | null;
  /** The weight it has in the table; null if it is not there. */
  readonly weight: number | null;
}

/** A service at a moment. */
export interface ServiceStanding {
  readonly servers: readonly Standing[];
  /** Sum of the weights of servers that may get connections. */
  readonly liveWeight: number;
  readonly hasQuorum: boolean;
}

/** Tells how a service stands. */
export function standingOf(
  service: IpvsServicePlan,
  isUp: IsUp,
  circumstances: Circumstances = plainCircumstances,
): ServiceStanding {
  const servers = service.servers.map((server) => serverStanding(service, server, isUp, circumstances));
  const liveWeight = servers.reduce((sum, standing) => sum + liveWeightOf(standing), 0);
  const hasQuorum = circumstances.hasQuorum(service, liveWeight);
  if (hasQuorum || service.sorry === null) return { servers, liveWeight, hasQuorum };
  // What is left of the servers keeps its connections, and new ones are the sorry server's.
  return { servers: servers.map(quieted), liveWeight, hasQuorum };
}

function quieted(standing: Standing): Standing {
  const { server, isUp, drain, weight } = standing;
  return weight === null ? standing : { server, isUp, drain, weight: 0 };
}

function serverStanding(
  service: IpvsServicePlan,
  server: IpvsServerPlan,
  isUp: IsUp,
  circumstances: Circumstances,
): Standing {
  const known = server.probe === null ? true : isUp(server.probe);
  const isServing = (known ?? !service.startsDown) && !circumstances.isHeldOut(service, server);
  const drain = circumstances.drainOf(service, server);
  const standing = { server, isUp: isServing, drain };
  if (drain === "drained") return { ...standing, weight: null };
  if (!isServing) return { ...standing, weight: server.inhibits ? 0 : null };
  if (drain === "draining" || server.weight === 0) return { ...standing, weight: 0 };
  const share = circumstances.shareOf(service, server);
  return { ...standing, weight: Math.max(1, Math.floor(server.weight * share)) };
}

/** A server in slow start counts in full: it is well, and only being spared. */
function liveWeightOf({ server, isUp, drain }: Standing): number {
  return isUp && drain === null ? server.weight : 0;
}
