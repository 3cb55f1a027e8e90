import { formatEndpoint } from "../base/address.ts";
import type { DirectorPlan } from "../config/node-plan.ts";
import type { IpvsServerPlan, IpvsServicePlan, MarkPlan, ServiceKeyPlan } from "../config/service-plan.ts";
import type { ServerStatus, ServiceStatus, TrafficStatus } from "../ipc/status.ts";
import type { CountedServer, CountedService, IpvsKey, IpvsService } from "../kernel/ipvs.ts";
import { formatKey } from "../kernel/ipvs-messages.ts";
import { markedPlaces } from "./marks.ts";
import {
  plainCircumstances,
  standingOf,
  type Circumstances,
  type IsUp,
  type ServiceStanding,
  type Standing,
} from "./moment.ts";
import type { BalancedServer, BalancedService } from "./balanced-service.ts";
import { desiredService, flagWords, keyOf } from "./table.ts";

const noTraffic: TrafficStatus = {
  connections: 0,
  inPackets: 0,
  outPackets: 0,
  inBytes: 0,
  outBytes: 0,
  connectionsPerS: 0,
  inPacketsPerS: 0,
  outPacketsPerS: 0,
  inBytesPerS: 0,
  outBytesPerS: 0,
};

/** What is told beside how servers stand. */
export interface ToldCircumstances extends Circumstances {
  /** How many connections were open when a server was taken out. */
  cutOf(service: BalancedService, server: BalancedServer): number;
}

/** Shows the planned services as the kernel has them, and behind them those of others. PURE. */
export function serviceStatuses(
  { services, marks }: Pick<DirectorPlan, "services" | "marks">,
  actual: readonly CountedService[],
  isUp: IsUp,
  circumstances: ToldCircumstances = { ...plainCircumstances, cutOf: () => 0 },
): readonly ServiceStatus[] {
  const present = new Map(actual.map((service) => [formatKey(service.key), service]));
  const planned = services.map((service) => {
    const key = formatKey(keyOf(service));
    const standing = standingOf(service, isUp, circumstances);
    const cutOf = (server: IpvsServerPlan): number => circumstances.cutOf(service, server);
    const status = plannedStatus(service, present.get(key), { standing, marks, cutOf });
    present.delete(key);
    return status;
  });
  return [...planned, ...[...present.values()].map(foreignStatus)];
}

/** What a planned service is shown with. */
interface Told {
  readonly standing: ServiceStanding<IpvsServerPlan>;
  readonly marks: readonly MarkPlan[];
  readonly cutOf: (server: IpvsServerPlan) => number;
}

function plannedStatus(
  service: IpvsServicePlan,
  entry: CountedService | undefined,
  { standing, marks, cutOf }: Told,
): ServiceStatus {
  const entries = new Map(entry?.servers.map((server) => [formatEndpoint(server), server]));
  const { sorry } = service;
  const sorryEntry = sorry === null || !standing.usesSorry ? undefined : entries.get(formatEndpoint(sorry));
  return {
    name: service.name,
    isForeign: false,
    ...shape(entry ?? desiredService(service, standing)),
    marked: placesOf(service.key, marks),
    usesSorry: sorryEntry !== undefined,
    hasQuorum: standing.hasQuorum,
    traffic: entry?.counters ?? noTraffic,
    servers: standing.servers.map((one) => {
      const found = entries.get(formatEndpoint(one.server));
      const health = { isUp: one.isUp, drain: one.drain, cutConnections: cutOf(one.server) };
      return found === undefined ? absentStatus(one, health) : serverStatus(found, health);
    }),
    sorry: sorryEntry === undefined ? null : serverStatus(sorryEntry, unknownHealth),
  };
}

/** Of a server that nobody here checks or drains. */
const unknownHealth = { isUp: null, drain: null, cutConnections: 0 } as const;

function absentStatus({ server }: Standing<IpvsServerPlan>, health: Health): ServerStatus {
  const { address, port, forward, tunnel, upperThreshold, lowerThreshold } = server;
  const way = forward === "tunnel" ? (tunnel?.type ?? "ipip") : forward;
  return { ...absent, ...health, address, port, forward: way, upperThreshold, lowerThreshold };
}

function placesOf(key: ServiceKeyPlan, marks: readonly MarkPlan[]): readonly string[] {
  if (!("mark" in key)) return [];
  const own = marks.filter(({ mark, family }) => mark === key.mark && family === key.family);
  return own.flatMap(markedPlaces);
}

const absent = {
  isInTable: false,
  weight: 0,
  activeConnections: 0,
  inactiveConnections: 0,
  persistentConnections: 0,
  traffic: noTraffic,
} as const;

function foreignStatus(entry: CountedService): ServiceStatus {
  return {
    name: formatKey(entry.key),
    isForeign: true,
    ...shape(entry),
    marked: [],
    usesSorry: false,
    hasQuorum: entry.servers.some(({ weight }) => weight > 0),
    traffic: entry.counters,
    servers: entry.servers.map((server) => serverStatus(server, unknownHealth)),
    sorry: null,
  };
}

/** What is known of a server beside its entry. */
type Health = Pick<ServerStatus, "isUp" | "drain" | "cutConnections">;

/** What a service is, apart from what becomes of it. */
type Shape = Pick<
  ServiceStatus,
  "protocol" | "address" | "port" | "mark" | "scheduler" | "schedulerFlags" | "isOnePacket" | "persistence"
>;

function shape({ key, scheduler, flags, ...service }: IpvsService): Shape {
  return {
    ...place(key),
    scheduler,
    ...flagWords(flags),
    persistence: {
      timeoutS: service.persistenceS,
      prefix: service.netmask,
      engine: service.persistenceEngine,
    },
  };
}

function serverStatus({ counters, tunnel, forward, ...server }: CountedServer, health: Health): ServerStatus {
  const way = forward === "tunnel" ? (tunnel?.type ?? "ipip") : forward;
  return { ...server, ...health, isInTable: true, forward: way, traffic: counters };
}

const protocolNames: Readonly<Record<number, "tcp" | "udp" | "sctp">> = { 6: "tcp", 17: "udp", 132: "sctp" };

function place(key: IpvsKey): Pick<ServiceStatus, "protocol" | "address" | "port" | "mark"> {
  if ("mark" in key) return { protocol: null, address: null, port: null, mark: key.mark };
  return { protocol: protocolNames[key.protocol] ?? "tcp", address: key.address, port: key.port, mark: null };
}
