import { readNested, type Attributes } from "./netlink/attribute.ts";
import {
  parseServer,
  parseService,
  serverFields,
  serviceFields,
  type IpvsServer,
  type IpvsService,
} from "./ipvs-messages.ts";
import type { Family } from "../base/address.ts";

/** PURE: what the kernel has counted for its services and servers (linux/ip_vs.h, IPVS_STATS_ATTR_*). */

/** Since the entry was made, and rates of the last seconds as the kernel estimates them. */
export interface IpvsCounters {
  readonly connections: number;
  readonly inPackets: number;
  readonly outPackets: number;
  readonly inBytes: number;
  readonly outBytes: number;
  readonly connectionsPerS: number;
  readonly inPacketsPerS: number;
  readonly outPacketsPerS: number;
  readonly inBytesPerS: number;
  readonly outBytesPerS: number;
}

/** A server with what it has been given. */
export interface CountedServer extends IpvsServer {
  readonly counters: IpvsCounters;
}

/** A service with what it has been given. */
export interface CountedService extends IpvsService {
  readonly counters: IpvsCounters;
  readonly servers: readonly CountedServer[];
}

// The same numbers in services and in servers. Kernels before 4.1 know only the first, whose counters wrap at 32 bits.
const stats = 10;
const stats64 = 12;

/** Reads a service and its counters, without its servers; null if it is not whole. */
export function parseCountedService(attributes: Attributes): CountedService | null {
  const service = parseService(attributes);
  if (service === null) return null;
  return { ...service, servers: [], counters: readCounters(serviceFields(attributes)) };
}

/** Reads a server and its counters; null if it is not whole. */
export function parseCountedServer(attributes: Attributes, serviceFamily: Family): CountedServer | null {
  const server = parseServer(attributes, serviceFamily);
  if (server === null) return null;
  return { ...server, counters: readCounters(serverFields(attributes)) };
}

function readCounters(fields: Attributes): IpvsCounters {
  const found = readNested(fields, fields.has(stats64) ? stats64 : stats);
  return {
    connections: readCount(found, 1),
    inPackets: readCount(found, 2),
    outPackets: readCount(found, 3),
    inBytes: readCount(found, 4),
    outBytes: readCount(found, 5),
    connectionsPerS: readCount(found, 6),
    inPacketsPerS: readCount(found, 7),
    outPacketsPerS: readCount(found, 8),
    inBytesPerS: readCount(found, 9),
    outBytesPerS: readCount(found, 10),
  };
}

/** A number of 32 or 64 bits in host order, exact up to 2^53: 9 petabytes. */
function readCount(from: Attributes, type: number): number {
  return from.unsigned(type, 8, "host") ?? from.unsigned(type, 4, "host") ?? 0;
}
