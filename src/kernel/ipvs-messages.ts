import { addressBytes, addressFromBytes, ipv4Number, type Endpoint, type Family } from "../base/address.ts";
import {
  readBe16,
  readNested,
  readText,
  readU16,
  readU32,
  readU8,
  type Attributes,
} from "./netlink/attribute.ts";
import { AttributeWriter } from "./netlink/attribute-writer.ts";
import { AF_INET, AF_INET6 } from "./socket-constants.ts";

/** PURE: the attributes of the kernel's IPVS family (linux/ip_vs.h, version 1). */

export const ipvsCommand = {
  newService: 1,
  setService: 2,
  delService: 3,
  getService: 4,
  newServer: 5,
  setServer: 6,
  delServer: 7,
  getServer: 8,
  newDaemon: 9,
  delDaemon: 10,
  getDaemon: 11,
  setConfig: 12,
  getConfig: 13,
  getInfo: 15,
} as const;

/** How packets reach a server. */
export type IpvsForward = "nat" | "local" | "tunnel" | "dr" | "bypass";

/** How a packet is wrapped on its way to a server. */
export interface IpvsTunnel {
  readonly type: "ipip" | "gue" | "gre";
  /** UDP port that `gue` goes to; 0 for the others. */
  readonly port: number;
  /** Checksum of `gue` and `gre`: none, whole, or left to the receiver's offload (`gue` only). */
  readonly checksum: "none" | "full" | "remote";
}

/** A server of a service as the kernel has it. */
export interface IpvsServer {
  readonly address: string;
  /** Meaningless for `dr` and `tunnel`, where the service's own port is used. */
  readonly port: number;
  readonly forward: IpvsForward;
  /** Null unless `forward` is `tunnel`. */
  readonly tunnel: IpvsTunnel | null;
  /** 0 takes no new connections. */
  readonly weight: number;
  /** Connections above which none is added, and below which they are again; 0 is no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** Counters of the kernel's, passed over when a server is added or set. */
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
}

/** What identifies a service: protocol, address and port, or a firewall mark. */
export type IpvsKey =
  | { readonly family: Family; readonly protocol: number; readonly address: string; readonly port: number }
  | { readonly family: Family; readonly mark: number };

/** An entry of the service table. */
export interface IpvsService {
  readonly key: IpvsKey;
  readonly scheduler: string;
  /** IP_VS_SVC_F_*: 4 one-packet, 8/16/32 scheduler's own; persistence and the kernel's own flags are left out. */
  readonly flags: number;
  /** Persistence timeout in seconds; 0 is none. */
  readonly persistenceS: number;
  /** Granularity of persistence as a prefix length: 0–32, or 1–128. */
  readonly netmask: number;
  /** What persistence goes by instead of the client's address, such as `sip`; null is the address. */
  readonly persistenceEngine: string | null;
  readonly servers: readonly IpvsServer[];
}

const top = { service: 1, server: 2 } as const;
const svc = {
  family: 1,
  protocol: 2,
  address: 3,
  port: 4,
  mark: 5,
  scheduler: 6,
  flags: 7,
  timeout: 8,
  netmask: 9,
  persistenceEngine: 11,
} as const;
const dest = {
  address: 1,
  port: 2,
  forward: 3,
  weight: 4,
  upperThreshold: 5,
  lowerThreshold: 6,
  activeConnections: 7,
  inactiveConnections: 8,
  persistentConnections: 9,
  family: 11,
  tunnelType: 13,
  tunnelPort: 14,
  tunnelFlags: 15,
} as const;
const info = { version: 1 } as const;

const persistentFlag = 0x1;
const hashedFlag = 0x2;
const forwardMask = 0x7;
const tunnelTypes = ["ipip", "gue", "gre"] as const satisfies readonly IpvsTunnel["type"][];
const tunnelChecksums = ["none", "full", "remote"] as const satisfies readonly IpvsTunnel["checksum"][];
const forwards = ["nat", "local", "tunnel", "dr", "bypass"] as const satisfies readonly IpvsForward[];

function familyNumber(family: Family): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/** Of either family; an IPv4 address is in the first four. */
const addressLength = 16;

/** Gives the number of the address's family. */
function writeAddress(writer: AttributeWriter, type: number, address: string): number {
  const number = ipv4Number(address);
  if (number >= 0) writer.be32(type, number, addressLength);
  else writer.bytes(type, addressBytes(address));
  return familyNumber(number >= 0 ? 4 : 6);
}

function readAddressField(from: Attributes, type: number, family: Family): string | null {
  const bytes = from.get(type);
  const length = family === 4 ? 4 : 16;
  return bytes === undefined || bytes.length < length ? null : addressFromBytes(bytes.subarray(0, length));
}

function writeKeyFields(writer: AttributeWriter, key: IpvsKey): void {
  writer.u16(svc.family, familyNumber(key.family));
  if ("mark" in key) return writer.u32(svc.mark, key.mark);
  writer.u16(svc.protocol, key.protocol);
  writeAddress(writer, svc.address, key.address);
  writer.be16(svc.port, key.port);
}

/** Writes the service attribute that names a service. */
export function writeKey(writer: AttributeWriter, key: IpvsKey): void {
  const start = writer.begin(top.service);
  writeKeyFields(writer, key);
  writer.end(start);
}

/** Gives what `writeKey` writes. */
export function keyAttribute(key: IpvsKey): Uint8Array {
  const writer = new AttributeWriter();
  writeKey(writer, key);
  return writer.written;
}

/** Writes the service attribute that makes or changes a service. */
export function writeService(writer: AttributeWriter, service: IpvsService): void {
  const { key, scheduler, persistenceS, persistenceEngine } = service;
  const flags = service.flags | (persistenceS > 0 ? persistentFlag : 0);
  const start = writer.begin(top.service);
  writeKeyFields(writer, key);
  writer.text(svc.scheduler, scheduler);
  const everyFlag = [0xff, 0xff, 0xff, 0xff] as const;
  writer.bytes(svc.flags, Uint8Array.of(flags, flags >> 8, flags >> 16, flags >> 24, ...everyFlag));
  writer.u32(svc.timeout, persistenceS);
  writeNetmask(writer, key.family, service.netmask);
  // Without the attribute the kernel takes away the one that is set.
  if (persistenceEngine !== null) writer.text(svc.persistenceEngine, persistenceEngine);
  writer.end(start);
}

/** An IPv4 mask in network order; for IPv6 the prefix length in host order. */
function writeNetmask(writer: AttributeWriter, family: Family, length: number): void {
  if (family === 6) writer.u32(svc.netmask, length);
  else writer.be32(svc.netmask, length === 0 ? 0 : (0xffff_ffff << (32 - length)) >>> 0);
}

function readNetmask(from: Attributes, family: Family): number {
  if (family === 6) return readU32(from, svc.netmask) ?? 128;
  const bytes = from.get(svc.netmask);
  if (bytes === undefined || bytes.length < 4) return 32;
  const mask = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, false);
  return Math.clz32(~mask);
}

/** Gives the attributes of the service in a reply. */
export function serviceFields(attributes: Attributes): Attributes {
  return readNested(attributes, top.service);
}

/** Gives the attributes of the server in a reply. */
export function serverFields(attributes: Attributes): Attributes {
  return readNested(attributes, top.server);
}

/** Reads the service of a reply, without its servers; null if it is not whole. */
export function parseService(attributes: Attributes): IpvsService | null {
  const fields = serviceFields(attributes);
  const key = parseKey(fields);
  const scheduler = readText(fields, svc.scheduler);
  if (key === null || scheduler === null) return null;
  const flags = readU32(fields, svc.flags) ?? 0;
  return {
    key,
    scheduler,
    flags: (flags & ~(persistentFlag | hashedFlag)) >>> 0,
    persistenceS: (flags & persistentFlag) === 0 ? 0 : (readU32(fields, svc.timeout) ?? 0),
    netmask: readNetmask(fields, key.family),
    persistenceEngine: readText(fields, svc.persistenceEngine),
    servers: [],
  };
}

function parseKey(fields: Attributes): IpvsKey | null {
  const family = parseFamily(readU16(fields, svc.family));
  if (family === null) return null;
  const mark = readU32(fields, svc.mark);
  if (mark !== null && mark !== 0) return { family, mark };
  const protocol = readU16(fields, svc.protocol);
  const address = readAddressField(fields, svc.address, family);
  const port = readBe16(fields, svc.port);
  if (protocol === null || address === null || port === null) return null;
  return { family, protocol, address, port };
}

function parseFamily(number: number | null): Family | null {
  if (number === AF_INET) return 4;
  return number === AF_INET6 ? 6 : null;
}

/** Writes the server attribute that adds or changes a server. */
export function writeServer(writer: AttributeWriter, server: IpvsServer): void {
  const { tunnel } = server;
  const start = writer.begin(top.server);
  const family = writeEndpoint(writer, server);
  writer.u32(dest.forward, forwards.indexOf(server.forward));
  writer.u32(dest.weight, server.weight);
  writer.u32(dest.upperThreshold, server.upperThreshold);
  writer.u32(dest.lowerThreshold, server.lowerThreshold);
  writer.u16(dest.family, family);
  if (tunnel !== null) {
    writer.u8(dest.tunnelType, tunnelTypes.indexOf(tunnel.type));
    writer.be16(dest.tunnelPort, tunnel.port);
    writer.u16(dest.tunnelFlags, tunnelChecksums.indexOf(tunnel.checksum));
  }
  writer.end(start);
}

/** Writes the server attribute that names a server. */
export function writeServerKey(writer: AttributeWriter, server: Endpoint): void {
  const start = writer.begin(top.server);
  writer.u16(dest.family, writeEndpoint(writer, server));
  writer.end(start);
}

/** Gives the number of the address's family, which comes behind what else there is. */
function writeEndpoint(writer: AttributeWriter, { address, port }: Endpoint): number {
  const family = writeAddress(writer, dest.address, address);
  writer.be16(dest.port, port);
  return family;
}

/** Kernels before 5.2 know IPIP alone and say nothing of it. */
function readTunnel(fields: Attributes): IpvsTunnel {
  return {
    type: tunnelTypes[readU8(fields, dest.tunnelType) ?? 0] ?? "ipip",
    port: readBe16(fields, dest.tunnelPort) ?? 0,
    checksum: tunnelChecksums[readU16(fields, dest.tunnelFlags) ?? 0] ?? "none",
  };
}

/** Reads the server of a reply; kernels before 3.18 leave out its family, which is then the service's. */
export function parseServer(attributes: Attributes, serviceFamily: Family): IpvsServer | null {
  const fields = serverFields(attributes);
  const family = parseFamily(readU16(fields, dest.family)) ?? serviceFamily;
  const address = readAddressField(fields, dest.address, family);
  const port = readBe16(fields, dest.port);
  const forward = forwards[(readU32(fields, dest.forward) ?? 0) & forwardMask];
  if (address === null || port === null || forward === undefined) return null;
  return {
    address,
    port,
    forward,
    tunnel: forward === "tunnel" ? readTunnel(fields) : null,
    weight: readU32(fields, dest.weight) ?? 0,
    upperThreshold: readU32(fields, dest.upperThreshold) ?? 0,
    lowerThreshold: readU32(fields, dest.lowerThreshold) ?? 0,
    activeConnections: readU32(fields, dest.activeConnections) ?? 0,
    inactiveConnections: readU32(fields, dest.inactiveConnections) ?? 0,
    persistentConnections: readU32(fields, dest.persistentConnections) ?? 0,
  };
}

/** Reads the version of an information reply as `1.2.1`; null if it is missing. */
export function parseVersion(attributes: Attributes): string | null {
  const version = readU32(attributes, info.version);
  return version === null ? null : `${version >> 16}.${(version >> 8) & 0xff}.${version & 0xff}`;
}

const protocolWords: Readonly<Record<number, string>> = { 6: "tcp", 17: "udp", 132: "sctp" };

/** Writes a service's key for errors: `tcp 192.0.2.1:80`, `fwmark 7 (IPv4)`. */
export function formatKey(key: IpvsKey): string {
  if ("mark" in key) return `fwmark ${key.mark} (IPv${key.family})`;
  const protocol = protocolWords[key.protocol] ?? String(key.protocol);
  return `${protocol} ${key.family === 6 ? `[${key.address}]` : key.address}:${key.port}`;
}
