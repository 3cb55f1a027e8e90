import { familyOf, type Family } from "../../base/address.ts";
import { remembered } from "../../base/remembered.ts";
import { virtualAddressesOf } from "../families.ts";
import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { ServiceEntry, ServiceServerEntry, TunnelEntry } from "../schema/service.ts";
import type { Element } from "../sections.ts";
import { serviceAddresses } from "../sockets.ts";
import { availabilityRules } from "./availability.ts";
import { schedulerFlagFindings, thresholdFindings } from "./balancing.ts";
import { persistenceRules } from "./persistence.ts";

/** What a service can be that the kernel forwards (IPVS). */
export function kernelServiceRules(service: Element<ServiceEntry>, model: Model): readonly Finding[] {
  const { value, path } = service;
  const addresses = serviceAddresses(
    value,
    model.instances.map(({ config }) => config),
  );
  const families = new Set(addresses.map(familyOf));
  const findings: Finding[] = [];
  const around = { service: value, families, virtual: virtualAddresses(model), path, findings };
  value.servers.forEach((server, index) => judgeServer(server, index, around));
  return [
    ...findings,
    ...withoutServers(service, families),
    ...tunnelFindings(value.tunnel, value.forward, [...path, "tunnel"]),
    ...scheduling(service),
    ...persistenceRules(service, families),
    ...connecting(service),
    ...sorryFindings(service),
    ...sorryFamily(service, families),
    ...availabilityRules(service),
    ...manyPorts(service),
  ];
}

/** The virtual addresses of a file, for as long as it is looked at. */
const virtualAddresses = remembered(
  (model: Model): ReadonlySet<string> =>
    new Set(
      model.instances.flatMap(({ config }) => virtualAddressesOf(config).map(({ address }) => address)),
    ),
);

interface Surroundings {
  readonly service: ServiceEntry;
  /** Families of the service's addresses; none for a mark. */
  readonly families: ReadonlySet<Family>;
  /** Addresses that are no server's own, beside those of the service. */
  readonly virtual: ReadonlySet<string>;
  /** The service's own place. */
  readonly path: KeyPath;
  readonly findings: Finding[];
}

/** Servers may be thousands, and hardly ever is there something to find: nothing is made for one before that. */
function judgeServer(server: ServiceServerEntry, index: number, around: Surroundings): void {
  const { service, families, virtual, path, findings } = around;
  const forward = server.forward ?? service.forward;
  if (forward === "proxy") {
    const what = "the kernel forwards this service's connections, and relays none";
    findings.push(errorAt([...placeOf(path, index), "forward"], what, 'write "dr", "nat" or "tunnel"'));
  }
  if (forward !== "nat" && server.port !== null && !isOnlyPort(service, server.port)) {
    findings.push(portFinding(server.port, service, placeOf(path, index), forward));
  }
  if (forward === "nat" && server.port !== null && service.fwmark !== null && service.persistence > 0) {
    const what = "with a mark and persistence the kernel translates addresses, and no ports";
    const remedy = "leave it out, and let the server listen on the service's own ports";
    findings.push(errorAt([...placeOf(path, index), "port"], what, remedy));
  }
  if (virtual.has(server.address) || service.addresses.includes(server.address)) {
    const what = `${server.address} is a virtual address, no server's own`;
    findings.push(errorAt([...placeOf(path, index), "address"], what, "write the server's own address"));
  }
  const family = familyOf(server.address);
  if (families.size > 0 && !families.has(family) && forward !== "tunnel") {
    const [own] = families;
    const what = `the service has IPv${own} addresses, and only a tunnel leads from there to an IPv${family} server`;
    const remedy = `write an IPv${own} address, or forward = "tunnel"`;
    findings.push(errorAt([...placeOf(path, index), "address"], what, remedy));
  }
  if (server.tunnel !== null) {
    findings.push(...tunnelFindings(server.tunnel, forward, [...placeOf(path, index), "tunnel"]));
  }
  if (server.lower_threshold > 0) findings.push(...thresholdFindings(server, placeOf(path, index)));
}

function placeOf(service: KeyPath, index: number): KeyPath {
  return [...service, "servers", index];
}

function isOnlyPort({ ports, fwmark }: ServiceEntry, port: number): boolean {
  // With a mark the server's port is where it is checked.
  return fwmark !== null || (ports.length === 1 && ports[0] === port);
}

function portFinding(port: number, { ports }: ServiceEntry, at: KeyPath, forward: string): Finding {
  const method = forward === "tunnel" ? "a tunnel" : "direct routing";
  const [only] = ports;
  if (ports.length !== 1 || only === undefined) {
    const what = `${method} changes no port, and the service has ${ports.length}`;
    return errorAt([...at, "port"], what, "leave it out");
  }
  const what = `${method} changes no port, and ${port} is not the service's ${only}`;
  const remedy = `leave it out and let the server listen on ${only}, or write forward = "nat" or "proxy"`;
  return errorAt([...at, "port"], what, remedy);
}

/** Each family of addresses leads to the servers of that family, or by tunnel to the other's if there are none. */
function withoutServers(
  { value, path }: Element<ServiceEntry>,
  families: ReadonlySet<Family>,
): readonly Finding[] {
  return [...families].flatMap((family) => {
    const canReach = value.servers.some(
      (server) => familyOf(server.address) === family || (server.forward ?? value.forward) === "tunnel",
    );
    // One family only: each server has been told of already.
    if (canReach || families.size === 1) return [];
    const what = `no server has an IPv${family} address, and the service does`;
    const remedy = `add servers with IPv${family} addresses, or make a service of its own of the other family`;
    return [errorAt([...path, "servers"], what, remedy)];
  });
}

function tunnelFindings(tunnel: TunnelEntry | null, forward: string, at: KeyPath): readonly Finding[] {
  if (tunnel === null) return [];
  const findings: Finding[] = [];
  if (forward !== "tunnel") {
    findings.push(
      errorAt(at, `forward = "${forward}" wraps no packet`, 'remove it, or write forward = "tunnel"'),
    );
  }
  const { type, port, checksum } = tunnel;
  if (type === "gue" && port === null) {
    findings.push(
      errorAt([...at, "port"], "gue needs the UDP port the servers listen on", "write port = 5555"),
    );
  }
  if (type !== "gue" && port !== null) {
    findings.push(errorAt([...at, "port"], `${type} has no ports`, 'remove it, or write type = "gue"'));
  }
  if (type === "ipip" && checksum !== "none") {
    findings.push(errorAt([...at, "checksum"], "ipip has no checksum of its own", "remove it"));
  }
  if (type === "gre" && checksum === "remote") {
    const what = "only gue leaves the checksum to the receiver";
    findings.push(errorAt([...at, "checksum"], what, 'write checksum = "full" or "none"'));
  }
  return findings;
}

function scheduling({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  const { one_packet: isOnePacket, protocol, fwmark, forward, servers } = value;
  const findings: Finding[] = [...schedulerFlagFindings({ value, path })];
  if (isOnePacket && protocol !== "udp" && fwmark === null) {
    const what = `only of UDP each packet can go its own way, and this is ${protocol}`;
    findings.push(errorAt([...path, "one_packet"], what, 'remove it, or write protocol = "udp"'));
  }
  if (isOnePacket && (forward === "nat" || servers.some((server) => server.forward === "nat"))) {
    const what = "the kernel forgets a packet that goes its own way, and translates no answer back";
    findings.push(errorAt([...path, "one_packet"], what, 'remove it, or write forward = "dr" or "tunnel"'));
  }
  return findings;
}

/** How many ports may be entries of their own in the kernel. */
const mostEntries = 256;

function manyPorts({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  const { ports, fwmark, persistence } = value;
  if (fwmark !== null || ports.length < 2) return [];
  if (ports.length > mostEntries) {
    const what = `${ports.length} ports would be as many services in the kernel for each address`;
    return [errorAt([...path, "ports"], what, "write fwmark = 1 too (or another number): then they are one")];
  }
  if (persistence === 0) return [];
  const what = "each port has its own persistence: a client may get another server at another port";
  return [
    warningAt([...path, "ports"], what, "write fwmark = 1 too (or another number), unless that is meant"),
  ];
}

function connecting({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  const toRelay = 'remove it, or write forward = "proxy"';
  if (value.idle_timeout !== null) {
    const what = "the kernel keeps flows for as long as [ipvs] says, those of every service alike";
    const remedy = 'write udp_timeout in [ipvs], or forward = "proxy"';
    return [errorAt([...path, "idle_timeout"], what, remedy)];
  }
  if (value.proxy_protocol !== null) {
    const what = "the kernel forwards packets and writes nothing into them: servers see the client's address";
    return [errorAt([...path, "proxy_protocol"], what, toRelay)];
  }
  if (value.connect_timeout === null) return [];
  const what =
    value.forward === "dr"
      ? "in direct routing nobody but the client connects"
      : "the kernel forwards packets: nobody but the client connects";
  return [errorAt([...path, "connect_timeout"], what, toRelay)];
}

function sorryFindings({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  const { sorry, forward, ports } = value;
  if (sorry === null || forward === "nat") return [];
  const at = [...path, "sorry"];
  const [only] = ports;
  if (only === undefined || (ports.length === 1 && sorry.port === only)) return [];
  const method = forward === "tunnel" ? "a tunnel" : "direct routing";
  if (ports.length > 1) {
    if (ports.includes(sorry.port)) return [];
    const what = `${method} changes no port: connections come to ${sorry.address} at the service's ports, not at ${sorry.port}`;
    return [warningAt(at, what, "let the sorry server listen on the VIP at each of the service's ports")];
  }
  const what = `${method} changes no port: connections come to ${sorry.address} at port ${only}, not ${sorry.port}`;
  const remedy = `let the sorry server listen on port ${only} of the VIP too, and write that port`;
  return [warningAt(at, what, remedy)];
}

/** Only a tunnel leads to the other family; the families of a mark that somebody else puts are those of the servers. */
function sorryFamily(
  { value, path }: Element<ServiceEntry>,
  families: ReadonlySet<Family>,
): readonly Finding[] {
  const { sorry, forward, servers } = value;
  if (sorry === null || forward === "tunnel") return [];
  const own = familyOf(sorry.address);
  const all = families.size > 0 ? families : new Set(servers.map(({ address }) => familyOf(address)));
  const other = [...all].find((family) => family !== own);
  if (other === undefined) return [];
  const at = [...path, "sorry"];
  if (!all.has(own)) {
    const what = `the service has IPv${other} addresses, and only a tunnel leads from there to an IPv${own} server`;
    return [errorAt(at, what, `write an IPv${other} address`)];
  }
  const what = `connections over IPv${other} have no sorry server, as this one has an IPv${own} address`;
  const remedy = "make a service of its own of each family, unless that is meant";
  return [warningAt(at, what, remedy)];
}
