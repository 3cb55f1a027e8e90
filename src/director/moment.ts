import type { Endpoint } from "../base/address.ts";
import type { BalancedServer, BalancedService } from "./balanced-service.ts";

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
  /** Whether the orders below, or damping, may concern any server of a service: of thousands only few are asked about. */
  mayConcern(service: BalancedService): boolean;
  /** Also of the sorry server, which may be one of the servers. */
  drainOf(service: BalancedService, server: Endpoint): DrainState | null;
  /** Whether a server that changes too often is kept out for a while. */
  isHeldOut(service: BalancedService, server: BalancedServer): boolean;
  /** The share of its weight that a server which starts slowly gets when it has just come back, above 0 and up to 1. */
  shareOf(service: BalancedService, server: BalancedServer): number;
  hasQuorum(service: BalancedService, liveWeight: number): boolean;
}

/** Nothing ordered, nobody slow, and a quorum as soon as the weights say so. */
export const plainCircumstances: Circumstances = {
  mayConcern: () => true,
  drainOf: () => null,
  isHeldOut: () => false,
  shareOf: () => 1,
  hasQuorum: ({ quorum }, liveWeight) => liveWeight >= quorum.weight,
};

/** A server at a moment. */
export interface Standing<Server extends BalancedServer = BalancedServer> {
  readonly server: Server;
  readonly isUp: boolean;
  /** Whether it is kept out because it comes and goes. */
  readonly isHeld: boolean;
  readonly drain: DrainState | null;
  /** The weight it has; null if it is taken out, with the connections it has. */
  readonly weight: number | null;
}

/** A service at a moment. */
export interface ServiceStanding<Server extends BalancedServer = BalancedServer> {
  readonly servers: readonly Standing<Server>[];
  /** Sum of the weights of servers that may get connections. */
  readonly liveWeight: number;
  readonly hasQuorum: boolean;
  /** Whether new connections are the sorry server's. */
  readonly usesSorry: boolean;
}

/** Tells how a service stands. */
export function standingOf<Service extends BalancedService>(
  service: Service,
  isUp: IsUp,
  circumstances: Circumstances = plainCircumstances,
): ServiceStanding<Service["servers"][number]> {
  const own: readonly Service["servers"][number][] = service.servers;
  const judge = {
    isUp,
    trustsUnknown: trustsUnknown(service, isUp),
    asks: circumstances.mayConcern(service),
  };
  const servers = own.map((server) => serverStanding(service, server, judge, circumstances));
  const liveWeight = servers.reduce((sum, standing) => sum + liveWeightOf(standing), 0);
  const hasQuorum = circumstances.hasQuorum(service, liveWeight);
  // A server that was taken out by order takes nothing, not even where nobody else is left.
  const usesSorry =
    !hasQuorum && service.sorry !== null && circumstances.drainOf(service, service.sorry) === null;
  // What is left of the servers keeps its connections, and new ones are the sorry server's.
  return { servers: usesSorry ? servers.map(quieted) : servers, liveWeight, hasQuorum, usesSorry };
}

function quieted<Server extends BalancedServer>(standing: Standing<Server>): Standing<Server> {
  return standing.weight === null ? standing : { ...standing, weight: 0 };
}

function serverStanding<Server extends BalancedServer>(
  service: BalancedService,
  server: Server,
  { asks, isUp, trustsUnknown: trusts }: Judge,
  circumstances: Circumstances,
): Standing<Server> {
  const known = server.probe === null ? true : isUp(server.probe);
  const isHeld = asks && circumstances.isHeldOut(service, server);
  const isServing = (known ?? trusts) && !isHeld;
  const ordered = asks ? circumstances.drainOf(service, server) : null;
  const drain = ordered ?? (isDrainedByFile(server) ? "draining" : null);
  const full = weightNow(server, isServing, drain);
  const isWhole = full === null || full === 0 || server.slowStartMs === 0;
  const weight = isWhole ? full : Math.max(1, Math.floor(full * circumstances.shareOf(service, server)));
  return { server, isUp: isServing, isHeld, drain, weight };
}

/** What a service's servers are judged by. */
interface Judge {
  readonly isUp: IsUp;
  readonly trustsUnknown: boolean;
  /** Whether circumstances are asked about each of them. */
  readonly asks: boolean;
}

/** Without regard to a slow start. */
function weightNow(
  { inhibits, weight }: BalancedServer,
  isServing: boolean,
  drain: DrainState | null,
): number | null {
  if (drain === "drained") return null;
  if (!isServing) return inhibits ? 0 : null;
  return drain === "draining" ? 0 : weight;
}

/**
 * Whether a server counts as up before its first check has ended. One that comes by a name waits for that where another is
 * known to be well: an address in the file is the operator's word, an answer of the DNS is not.
 */
function trustsUnknown(service: BalancedService, isUp: IsUp): boolean {
  if (service.startsDown) return false;
  if (!("named" in service) || service.named.length === 0) return true;
  return !service.servers.some(({ probe }) => probe === null || isUp(probe) === true);
}

/** A server in slow start counts in full: it is well, and only being spared. */
function liveWeightOf({ server, isUp, drain }: Standing): number {
  return isUp && drain === null ? server.weight : 0;
}

/** Tells whether a server is drained for as long as the file says so. */
export function isDrainedByFile(server: BalancedServer): boolean {
  return "isDrained" in server && server.isDrained;
}
