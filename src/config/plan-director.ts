import { familyOf, type Endpoint, type Family } from "../base/address.ts";
import type { Config, ServerConfig, ServiceConfig, ServiceServerConfig } from "./config.ts";
import { localServiceSockets, localUpstreams, serversBehind } from "./local.ts";
import type { DirectorPlan } from "./node-plan.ts";
import type {
  IpvsServerPlan,
  IpvsServicePlan,
  IpvsTargetPlan,
  KernelForward,
  MarkPlan,
  ServiceKeyPlan,
} from "./service-plan.ts";
import { planFooting } from "./plan-footing.ts";
import { plannedServer, probeSetsOf, probesOf } from "./probes.ts";
import { trackedServers } from "./tracked-servers.ts";

/** Gives a node's checks, each once, and its entries in the kernel's service table. */
export function planDirector(config: Config, node: string): DirectorPlan {
  const entries = config.services.flatMap((service) => entriesOf(service, config, node));
  const servers = [
    ...entries.flatMap(({ servers: own }) => own),
    ...localUpstreams(config, node).flatMap((upstream) => upstream.servers),
    ...trackedServers(config, node),
  ];
  const services = entries.flatMap(kernelService);
  return {
    probes: probesOf(servers),
    probeSets: probeSetsOf(servers),
    services,
    marks: entries.flatMap(marking),
    footing: planFooting(config, node, services),
  };
}

/** A service as one packet sees it: its key, and the servers behind that. */
interface Entry {
  readonly service: ServiceConfig;
  readonly key: ServiceKeyPlan;
  /** What gets its mark here; empty where somebody else marks, or nobody. */
  readonly marked: readonly Endpoint[];
  readonly servers: readonly (ServiceServerConfig & ServerConfig)[];
}

function entriesOf(service: ServiceConfig, config: Config, node: string): readonly Entry[] {
  const { firewallMark, protocol, ports } = service;
  const sockets = localServiceSockets(service, config, node);
  if (firewallMark !== null) {
    const isOwn = ports.length > 0;
    if (isOwn && sockets.length === 0) return [];
    const families = isOwn ? familiesAmong(sockets) : familiesAmong(service.servers);
    // One port is the one to check; of several, or none, the check says which.
    const port = ports.length === 1 ? (ports[0] ?? null) : null;
    return families.map((family) => ({
      service,
      key: { family, mark: firewallMark },
      marked: sockets.filter(({ address }) => familyOf(address) === family),
      servers: serversFor(service, family, port),
    }));
  }
  return sockets.map((socket) => {
    const family = familyOf(socket.address);
    return {
      marked: [],
      service,
      key: { family, protocol, ...socket },
      servers: serversFor(service, family, socket.port),
    };
  });
}

/** A mark that somebody else puts has the families of the servers, as nothing else tells them. */
function familiesAmong(places: readonly { readonly address: string }[]): readonly Family[] {
  const families = new Set(places.map(({ address }) => familyOf(address)));
  return ([4, 6] as const).filter((family) => families.has(family));
}

/** Gives the servers of the service's family; a tunnel leads to the other one too where there are none. */
function serversFor(service: ServiceConfig, family: Family, port: number | null): Entry["servers"] {
  const servers = serversBehind(service, port);
  if (service.forward === "proxy") return servers;
  const own = servers.filter(({ address }) => familyOf(address) === family);
  return own.length > 0 ? own : servers.filter(({ forward }) => forward === "tunnel");
}

function marking({ service, key, marked }: Entry): readonly MarkPlan[] {
  if (!("mark" in key) || marked.length === 0) return [];
  const { protocol } = service;
  return [{ ...key, sockets: marked.map(({ address, port }) => ({ protocol, address, port })) }];
}

function kernelService({ service, key, servers }: Entry): readonly IpvsServicePlan[] {
  const { name, forward, scheduler, schedulerFlags, isOnePacket, persistenceS, persistenceEngine } = service;
  if (forward === "proxy") return [];
  const { ipv4, ipv6 } = service.persistencePrefix;
  return [
    {
      name,
      key,
      scheduler,
      schedulerFlags,
      isOnePacket,
      persistenceS,
      persistencePrefix: key.family === 4 ? ipv4 : ipv6,
      persistenceEngine,
      sorry: sorryTarget(service, forward, key),
      quorum: service.quorum,
      startsDown: service.startsDown,
      damping: service.damping,
      servers: servers.flatMap((server) => kernelServer(server, service, key)),
    },
  ];
}

function kernelServer(
  server: Entry["servers"][number],
  service: ServiceConfig,
  key: ServiceKeyPlan,
): readonly IpvsServerPlan[] {
  const { address, forward, tunnel, upperThreshold, lowerThreshold, inhibits, slowStartMs } = server;
  if (forward === "proxy") return [];
  // Of a mark, only translation with a port of its own changes the port.
  const own = service.servers.find((entry) => entry.address === address)?.port ?? 0;
  const port = "mark" in key ? (forward === "nat" ? own : 0) : server.port;
  const limits = { upperThreshold, lowerThreshold, inhibits, slowStartMs };
  return [{ ...plannedServer(server), port, forward, tunnel, ...limits }];
}

/** The sorry server is reached as the servers are; where that changes no port, at the service's. */
function sorryTarget(
  { sorry, tunnel }: ServiceConfig,
  forward: KernelForward,
  key: ServiceKeyPlan,
): IpvsTargetPlan | null {
  if (sorry === null) return null;
  const { address } = sorry;
  if (forward === "nat") return { ...sorry, forward, tunnel };
  return { address, port: "mark" in key ? 0 : key.port, forward, tunnel };
}
