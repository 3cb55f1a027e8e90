import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type {
  IpvsServerPlan,
  IpvsServicePlan,
  IpvsTargetPlan,
  SchedulerFlag,
  ServiceKeyPlan,
} from "../config/service-plan.ts";
import type { IpvsKey, IpvsServer, IpvsService } from "../kernel/ipvs.ts";

/**
 * What the kernel's table should hold: the plan's services with the servers that are up. PURE. Knows neither what
 * the kernel holds now (plan.ts) nor how to change it (apply.ts).
 */

/** Tells whether the server behind a probe is up. */
export type IsUp = (probe: string) => boolean;

const protocolNumbers = { tcp: 6, udp: 17, sctp: 132 } as const;

/** IP_VS_SVC_F_ONEPACKET. */
const onePacketFlag = 0x4;
/** IP_VS_SVC_F_SCHED1 and IP_VS_SVC_F_SCHED2, which sh and mh read alike. */
const schedulerFlagBits: Readonly<Record<SchedulerFlag, number>> = { fallback: 0x8, port: 0x10 };

/** Gives the whole table that the plan and the verdicts ask for. */
export function desiredTable(services: readonly IpvsServicePlan[], isUp: IsUp): readonly IpvsService[] {
  return services.map((service) => desiredService(service, isUp));
}

/** Gives the kernel's identity of a planned service. */
export function keyOf({ key }: { readonly key: ServiceKeyPlan }): IpvsKey {
  return "mark" in key ? key : { ...key, protocol: protocolNumbers[key.protocol] };
}

/** Tells whether no server can take a new connection, so that the sorry server has to, if there is one. */
export function needsSorry(service: IpvsServicePlan, isUp: IsUp): boolean {
  return !service.servers.some((server) => server.weight > 0 && isServerUp(server.probe, isUp));
}

function desiredService(service: IpvsServicePlan, isUp: IsUp): IpvsService {
  const servers = service.servers.filter(({ probe }) => isServerUp(probe, isUp)).map(serverEntry);
  return {
    key: keyOf(service),
    scheduler: service.scheduler,
    flags: flagsOf(service),
    persistenceS: service.persistenceS,
    netmask: service.persistencePrefix,
    persistenceEngine: service.persistenceEngine,
    servers: needsSorry(service, isUp) ? withSorry(servers, service.sorry) : servers,
  };
}

function flagsOf({ isOnePacket, schedulerFlags }: IpvsServicePlan): number {
  const bits = schedulerFlags.map((flag) => schedulerFlagBits[flag]);
  return bits.reduce((all, bit) => all | bit, isOnePacket ? onePacketFlag : 0);
}

/** A sorry server may be one of the servers, whose entry it then takes. */
function withSorry(servers: readonly IpvsServer[], sorry: IpvsTargetPlan | null): readonly IpvsServer[] {
  if (sorry === null) return servers;
  const others = servers.filter((server) => !isSameEndpoint(server, sorry));
  return [...others, entry(sorry, { weight: 1, upperThreshold: 0, lowerThreshold: 0 })];
}

function isSameEndpoint(one: Endpoint, other: Endpoint): boolean {
  return formatEndpoint(one) === formatEndpoint(other);
}

function isServerUp(probe: string | null, isUp: IsUp): boolean {
  return probe === null || isUp(probe);
}

function serverEntry(server: IpvsServerPlan): IpvsServer {
  return entry(server, server);
}

function entry(
  { address, port, forward, tunnel }: IpvsTargetPlan,
  limits: Pick<IpvsServerPlan, "weight" | "upperThreshold" | "lowerThreshold">,
): IpvsServer {
  return {
    address,
    port,
    forward,
    tunnel,
    weight: limits.weight,
    upperThreshold: limits.upperThreshold,
    lowerThreshold: limits.lowerThreshold,
    activeConnections: 0,
    inactiveConnections: 0,
    persistentConnections: 0,
  };
}
