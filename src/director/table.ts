import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type {
  IpvsServerPlan,
  IpvsServicePlan,
  IpvsTargetPlan,
  SchedulerFlag,
  ServiceKeyPlan,
} from "../config/service-plan.ts";
import type { IpvsKey, IpvsServer, IpvsService } from "../kernel/ipvs.ts";
import { standingOf, type Circumstances, type IsUp, type ServiceStanding } from "./moment.ts";

/**
 * What the kernel's table should hold: the plan's services with the servers that are up. PURE. Knows neither what
 * the kernel holds now (plan.ts) nor how to change it (apply.ts).
 */

/** Numbers of transport protocols. */
export const protocolNumbers = { tcp: 6, udp: 17, sctp: 132 } as const;

/** IP_VS_SVC_F_ONEPACKET. */
const onePacketFlag = 0x4;
/** IP_VS_SVC_F_SCHED1 and IP_VS_SVC_F_SCHED2, which sh and mh read alike. */
const schedulerFlagBits: Readonly<Record<SchedulerFlag, number>> = { fallback: 0x8, port: 0x10 };

/** Gives the whole table that the plan, the verdicts and the circumstances ask for. */
export function desiredTable(
  services: readonly IpvsServicePlan[],
  isUp: IsUp,
  circumstances?: Circumstances,
): readonly IpvsService[] {
  return services.map((service) => desiredService(service, standingOf(service, isUp, circumstances)));
}

/** Gives the kernel's identity of a planned service. */
export function keyOf({ key }: { readonly key: ServiceKeyPlan }): IpvsKey {
  return "mark" in key ? key : { ...key, protocol: protocolNumbers[key.protocol] };
}

/** Gives the entry of a service that stands as it does. */
export function desiredService(
  service: IpvsServicePlan,
  standing: ServiceStanding<IpvsServerPlan>,
): IpvsService {
  const servers: IpvsServer[] = [];
  // There may be tens of thousands: nothing is made for one but its entry.
  for (const { server, weight } of standing.servers)
    if (weight !== null) servers.push(entry(server, server, weight));
  return {
    key: keyOf(service),
    scheduler: service.scheduler,
    flags: flagsOf(service),
    persistenceS: service.persistenceS,
    netmask: service.persistencePrefix,
    persistenceEngine: service.persistenceEngine,
    servers: standing.usesSorry ? withSorry(servers, service.sorry) : servers,
  };
}

function flagsOf({ isOnePacket, schedulerFlags }: IpvsServicePlan): number {
  const bits = schedulerFlags.map((flag) => schedulerFlagBits[flag]);
  return bits.reduce((all, bit) => all | bit, isOnePacket ? onePacketFlag : 0);
}

/** Says in words what the flags of an entry are; those without a word as their number. */
export function flagWords(flags: number): {
  readonly isOnePacket: boolean;
  readonly schedulerFlags: readonly string[];
} {
  const known = Object.entries(schedulerFlagBits);
  const words = known.filter(([, bit]) => (flags & bit) !== 0).map(([word]) => word);
  const rest = known.reduce((left, [, bit]) => left & ~bit, flags & ~onePacketFlag);
  return {
    isOnePacket: (flags & onePacketFlag) !== 0,
    schedulerFlags: rest === 0 ? words : [...words, `0x${rest.toString(16)}`],
  };
}

/** A sorry server may be one of the servers, whose entry it then takes. */
function withSorry(servers: readonly IpvsServer[], sorry: IpvsTargetPlan | null): readonly IpvsServer[] {
  if (sorry === null) return servers;
  const others = servers.filter((server) => !isSameEndpoint(server, sorry));
  return [...others, entry(sorry, { upperThreshold: 0, lowerThreshold: 0 }, 1)];
}

function isSameEndpoint(one: Endpoint, other: Endpoint): boolean {
  return formatEndpoint(one) === formatEndpoint(other);
}

function entry(
  { address, port, forward, tunnel }: IpvsTargetPlan,
  limits: Pick<IpvsServerPlan, "upperThreshold" | "lowerThreshold">,
  weight: number,
): IpvsServer {
  return {
    address,
    port,
    forward,
    tunnel,
    weight,
    upperThreshold: limits.upperThreshold,
    lowerThreshold: limits.lowerThreshold,
    activeConnections: 0,
    inactiveConnections: 0,
    persistentConnections: 0,
  };
}
