import { familyOf, type Endpoint, type Family } from "../base/address.ts";
import type { Config, ServerConfig, ServiceConfig, ServiceServerConfig } from "./config.ts";
import { localInstances, localUpstreams, serverBehind } from "./local.ts";
import type { DirectorPlan } from "./node-plan.ts";
import type {
  IpvsServerPlan,
  IpvsServicePlan,
  IpvsTargetPlan,
  KernelForward,
  MarkPlan,
  ServiceKeyPlan,
} from "./service-plan.ts";
import { deepFreeze } from "./freeze.ts";
import { planDetours } from "./plan-detours.ts";
import { planFooting } from "./plan-footing.ts";
import { planLookups, planProxied } from "./plan-proxied.ts";
import { plannedServer, probeSetsOf, probesOf } from "./probes.ts";
import { serviceSockets } from "./sockets.ts";
import { trackedServers } from "./tracked-servers.ts";

/** Gives a node's checks, each once, and its entries in the kernel's service table. */
export function planDirector(config: Config, node: string): DirectorPlan {
  const instances = localInstances(config, node);
  const parts = config.services.map((service) => partOf(service, serviceSockets(service, instances)));
  const servers = [
    ...parts.flatMap(({ servers: own }) => own),
    ...localUpstreams(config, node).flatMap((upstream) => upstream.servers),
    ...trackedServers(config, node),
  ];
  const services = parts.flatMap(({ services: own }) => own);
  const proxied = planProxied(config, node);
  const isAnyoneTold = config.notifiesServices && services.length + proxied.length > 0;
  return {
    ...planDetours(probesOf(servers)),
    probeSets: probeSetsOf(servers),
    services,
    proxied,
    lookups: planLookups(config, node),
    marks: parts.flatMap(({ marks }) => marks),
    footing: planFooting(config, node, services),
    notify: config.notify === null || !isAnyoneTold ? null : { node, ...config.notify },
  };
}

/** What a service adds to a plan. */
interface Part {
  readonly sockets: readonly Endpoint[];
  /** Those that are checked. */
  readonly servers: readonly ServerConfig[];
  readonly services: readonly IpvsServicePlan[];
  readonly marks: readonly MarkPlan[];
}

/** The parts of earlier plans: over a reload most services stay the very same, and so do their entries. */
const knownParts = new WeakMap<ServiceConfig, Part>();

function partOf(service: ServiceConfig, sockets: readonly Endpoint[]): Part {
  const known = knownParts.get(service);
  if (known !== undefined && areSame(known.sockets, sockets)) return known;
  const entries = entriesOf(service, sockets);
  const part: Part = {
    sockets,
    servers: entries.flatMap(({ checked }) => [...checked.values()]),
    services: deepFreeze(entries.flatMap(kernelService)),
    marks: deepFreeze(entries.flatMap(marking)),
  };
  knownParts.set(service, part);
  return part;
}

function areSame(some: readonly Endpoint[], others: readonly Endpoint[]): boolean {
  return (
    some.length === others.length &&
    some.every(
      ({ address, port }, index) => address === others[index]?.address && port === others[index].port,
    )
  );
}

/** A service as one packet sees it: its key, and the servers behind that. */
interface Entry {
  readonly service: ServiceConfig;
  readonly key: ServiceKeyPlan;
  /** What gets its mark here; empty where somebody else marks, or nobody. */
  readonly marked: readonly Endpoint[];
  readonly servers: readonly ServiceServerConfig[];
  /** Those of them that are checked, as they are behind this key. */
  readonly checked: ReadonlyMap<ServiceServerConfig, ServerConfig>;
}

function entriesOf(service: ServiceConfig, sockets: readonly Endpoint[]): readonly Entry[] {
  const { firewallMark, protocol, ports } = service;
  if (firewallMark !== null) {
    const isOwn = ports.length > 0;
    if (isOwn && sockets.length === 0) return [];
    const families = isOwn ? familiesAmong(sockets) : familiesAmong(service.servers);
    // One port is the one to check; of several, or none, the check says which.
    const port = ports.length === 1 ? (ports[0] ?? null) : null;
    const addresses = sockets.map(({ address }) => address);
    return families.map((family) => {
      const { servers, checked } = serversFor(service, family, { port, addresses });
      const marked = sockets.filter(({ address }) => familyOf(address) === family);
      return { service, key: { family, mark: firewallMark }, marked, servers, checked };
    });
  }
  return sockets.map((socket) => {
    const family = familyOf(socket.address);
    const { port, address } = socket;
    const { servers, checked } = serversFor(service, family, { port, addresses: [address] });
    return { service, key: { family, protocol, address, port }, marked: [], servers, checked };
  });
}

/** A mark that somebody else puts has the families of the servers, as nothing else tells them. */
function familiesAmong(places: readonly { readonly address: string }[]): readonly Family[] {
  const families = new Set(places.map(({ address }) => familyOf(address)));
  return ([4, 6] as const).filter((family) => families.has(family));
}

/** Gives the servers of the service's family; a tunnel leads to the other one too where there are none. */
function serversFor(
  service: ServiceConfig,
  family: Family,
  { port, addresses }: { readonly port: number | null; readonly addresses: readonly string[] },
): Pick<Entry, "servers" | "checked"> {
  const servers = serversOfFamily(service, family);
  const checked = servers.filter(({ checks }) => checks.length > 0);
  if (checked.length === 0) return { servers, checked: noneChecked };
  const vips = [...new Set(addresses)];
  return { servers, checked: new Map(checked.map((server) => [server, serverBehind(server, port, vips)])) };
}

/** Of the many services that nothing checks: one for all. */
const noneChecked: Entry["checked"] = new Map();

function serversOfFamily({ forward, servers }: ServiceConfig, family: Family): Entry["servers"] {
  if (forward === "proxy") return servers;
  const own = servers.filter(({ address }) => familyOf(address) === family);
  return own.length > 0 ? own : servers.filter((server) => server.forward === "tunnel");
}

function marking({ service, key, marked }: Entry): readonly MarkPlan[] {
  if (!("mark" in key) || marked.length === 0) return [];
  const { protocol } = service;
  return [{ ...key, sockets: marked.map(({ address, port }) => ({ protocol, address, port })) }];
}

function kernelService(entry: Entry): readonly IpvsServicePlan[] {
  const { service, key } = entry;
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
      servers: kernelServers(entry),
    },
  ];
}

/** They may be thousands: nothing is made for one but its entry. */
function kernelServers({ key, servers, checked }: Entry): readonly IpvsServerPlan[] {
  const planned: IpvsServerPlan[] = [];
  for (const server of servers) {
    const { address, weight, forward, tunnel, upperThreshold, lowerThreshold, inhibits, slowStartMs } =
      server;
    if (forward === "proxy") continue;
    const behind = checked.get(server);
    planned.push({
      address,
      port: "mark" in key ? markedPort(server) : (server.port ?? key.port),
      weight,
      probe: behind === undefined ? null : plannedServer(behind).probe,
      forward,
      tunnel,
      upperThreshold,
      lowerThreshold,
      inhibits,
      slowStartMs,
    });
  }
  return planned;
}

/** Of a mark, only translation with a port of its own changes the port. */
function markedPort({ forward, port }: Entry["servers"][number]): number {
  return forward === "nat" ? (port ?? 0) : 0;
}

/**
 * The sorry server is reached as the servers are; where that changes no port, at the service's. Only a tunnel leads to the other
 * family: of a service of both it is the sorry server of its own.
 */
function sorryTarget(
  { sorry, tunnel }: ServiceConfig,
  forward: KernelForward,
  key: ServiceKeyPlan,
): IpvsTargetPlan | null {
  if (sorry === null) return null;
  const { address } = sorry;
  if (forward !== "tunnel" && familyOf(address) !== key.family) return null;
  if (forward === "nat") return { ...sorry, forward, tunnel };
  return { address, port: "mark" in key ? 0 : key.port, forward, tunnel };
}
