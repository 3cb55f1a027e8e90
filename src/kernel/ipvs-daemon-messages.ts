import { addressBytes, addressFromBytes, familyOf } from "../base/address.ts";
import {
  attribute,
  nested,
  readNested,
  readText,
  readU16,
  readU32,
  readU8,
  text,
  u16,
  u32,
  u8,
  type Attributes,
} from "./netlink/attribute.ts";

/** PURE: the attributes of IPVS's connection synchronisation and of its timeouts (linux/ip_vs.h, version 1). */

/** Which half of the synchronisation: the master tells of this node's connections, the backup hears of the others'. */
export type SyncRole = "master" | "backup";

/** One of the kernel's two sync daemons. */
export interface IpvsSyncDaemon {
  readonly role: SyncRole;
  readonly interface: string;
  /** 0–255; a backup with 0 hears every master. */
  readonly id: number;
  /** Most bytes in one message; null leaves it to the kernel, which takes what fits a packet. */
  readonly maxLength: number | null;
  /** Multicast group; null is the kernel's own, as are port and TTL. */
  readonly group: string | null;
  readonly port: number | null;
  readonly ttl: number | null;
}

/** How long connections without packets are kept, in seconds; null leaves one as it is. */
export interface IpvsTimeouts {
  readonly tcp: number | null;
  /** Of TCP connections that have been ended. */
  readonly tcpFin: number | null;
  readonly udp: number | null;
}

const top = { daemon: 3, tcp: 4, tcpFin: 5, udp: 6 } as const;
const daemon = {
  state: 1,
  interface: 2,
  id: 3,
  maxLength: 4,
  group: 5,
  group6: 6,
  port: 7,
  ttl: 8,
} as const;
const roles = { master: 1, backup: 2 } as const satisfies Record<SyncRole, number>;

/** Writes the attribute that starts a daemon. */
export function daemonAttribute(wanted: IpvsSyncDaemon): Uint8Array {
  const { maxLength, group, port, ttl } = wanted;
  return nested(
    top.daemon,
    ...identity(wanted),
    ...(maxLength === null ? [] : [u16(daemon.maxLength, maxLength)]),
    ...(port === null ? [] : [u16(daemon.port, port)]),
    ...(ttl === null ? [] : [u8(daemon.ttl, ttl)]),
    ...(group === null ? [] : [groupField(group)]),
  );
}

/** Writes the attribute that stops a daemon: the kernel goes by its role alone, and wants the others to be there. */
export function daemonKeyAttribute(role: SyncRole): Uint8Array {
  return nested(top.daemon, ...identity({ role, interface: "", id: 0 }));
}

type Identity = Pick<IpvsSyncDaemon, "role" | "interface" | "id">;

function identity({ role, interface: on, id }: Identity): readonly Uint8Array[] {
  return [u32(daemon.state, roles[role]), text(daemon.interface, on), u32(daemon.id, id)];
}

function groupField(group: string): Uint8Array {
  return attribute(familyOf(group) === 4 ? daemon.group : daemon.group6, addressBytes(group));
}

/** Reads the daemon of a reply; null if it is not whole. Kernels before 4.3 know no group, port, TTL and length. */
export function parseDaemon(attributes: Attributes): IpvsSyncDaemon | null {
  const fields = readNested(attributes, top.daemon);
  const state = readU32(fields, daemon.state);
  const on = readText(fields, daemon.interface);
  const id = readU32(fields, daemon.id);
  if ((state !== roles.master && state !== roles.backup) || on === null || id === null) return null;
  const group = fields.get(daemon.group) ?? fields.get(daemon.group6);
  return {
    role: state === roles.master ? "master" : "backup",
    interface: on,
    id,
    maxLength: readU16(fields, daemon.maxLength),
    group: group === undefined ? null : addressFromBytes(group),
    port: readU16(fields, daemon.port),
    ttl: readU8(fields, daemon.ttl),
  };
}

/** Writes the attributes that set timeouts. 0 is what the kernel takes for "as it is". */
export function timeoutAttributes({ tcp, tcpFin, udp }: IpvsTimeouts): readonly Uint8Array[] {
  return [u32(top.tcp, tcp ?? 0), u32(top.tcpFin, tcpFin ?? 0), u32(top.udp, udp ?? 0)];
}

/** Reads the timeouts of a reply. */
export function parseTimeouts(attributes: Attributes): IpvsTimeouts {
  return {
    tcp: readU32(attributes, top.tcp),
    tcpFin: readU32(attributes, top.tcpFin),
    udp: readU32(attributes, top.udp),
  };
}
