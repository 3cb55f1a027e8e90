import type { DiskStatus } from "./disk-note.ts";
import type { Endpoint, Family } from "../base/address.ts";
import type { WeightWord } from "../config/weight-word.ts";
import type { FootingStatus } from "./footing-status.ts";

/** What `edge-ha status` shows; every reason is a sentence fragment a person can read. */
export interface NodeStatus {
  readonly cluster: string;
  readonly node: string;
  readonly version: string;
  readonly pid: number;
  /** ISO 8601 time of day, as are all times here. */
  readonly startedAt: string;
  /** Whether everything was started; false for a moment, also where this program has just taken another's place. */
  readonly isUp: boolean;
  readonly config: ConfigStatus;
  readonly instances: readonly InstanceStatus[];
  readonly bfd: BfdReport;
  readonly probes: readonly ProbeStatus[];
  readonly services: readonly ServiceStatus[];
  readonly footing: FootingStatus;
  readonly proxied: readonly ProxiedStatus[];
  /** Names that servers of upstreams go by. */
  readonly names: readonly NameStatus[];
  readonly proxies: readonly ProxyStatus[];
  readonly processes: readonly ProcessStatus[];
}

/** The configuration in force, and how the last attempt to replace it went. */
export interface ConfigStatus {
  readonly path: string;
  readonly loadedAt: string;
  /** Empty if the last load or reload was accepted. */
  readonly lastErrors: readonly string[];
}

/** RFC 9568 §6.3 states, and `fault` for an instance that may not take part at present. */
export type VrrpStateName = "initialize" | "backup" | "active" | "fault";

/** One virtual router as this node sees it. */
export interface InstanceStatus {
  readonly name: string;
  readonly interface: string;
  readonly family: Family;
  /** The interface with the virtual MAC and that MAC, or null. */
  readonly virtualMac: { readonly interface: string; readonly mac: string } | null;
  readonly version: 2 | 3;
  readonly vrid: number;
  readonly state: VrrpStateName;
  readonly since: string;
  /** Why it is in this state. */
  readonly reason: string;
  /** What is advertised or compared now; `basePriority` before tracks. */
  readonly priority: number;
  readonly basePriority: number;
  /** Why `priority` differs from `basePriority`, or why the claim is withdrawn. */
  readonly claims: readonly string[];
  readonly addresses: readonly string[];
  /** Those of them that do not answer here, as duplicate address detection has found another host that has them. */
  readonly duplicates: readonly string[];
  /** When the operator handed it over, so that it claims with priority 1; null if not. */
  readonly handedOverAt: string | null;
  /** Another that holds the addresses too; null as long as none is known. */
  readonly splitBrain: SplitBrainStatus | null;
  /** The last router heard that held the address. */
  readonly peer: { readonly address: string; readonly priority: number } | null;
  /** The interfaces its advertisements travel on, its own first. */
  readonly paths: readonly PathStatus[];
  /** Advertisements sent, received, and dropped by cause. */
  readonly counters: Readonly<Record<string, number>>;
}

/** One interface that a virtual router's advertisements travel on. */
export interface PathStatus {
  readonly interface: string;
  readonly transport: "multicast" | "unicast";
  /** Why nothing can be sent or heard there, or null. */
  readonly problem: string | null;
  /** Floods of VRRP packets there, of whatever router; null as long as there was none. */
  readonly flood: FloodStatus | null;
  /** Who was heard there last, and when; only active routers speak. */
  readonly heard: readonly PathPeerStatus[];
}

/** More VRRP packets than can be read: the kernel sorts them, and what is no sound advertisement is dropped unread. */
export interface FloodStatus {
  /** Whether one is under way, or was until a moment ago. */
  readonly isOn: boolean;
  /** Packets dropped since the socket was opened; null if the kernel would not count all of them. */
  readonly dropped: number | null;
}

/** A router as it was heard on a path. */
export interface PathPeerStatus {
  /** Name of the node, or the address where the file gives no name. */
  readonly router: string;
  /** Its address on the path; null if it was never heard there, though on another path. */
  readonly address: string | null;
  readonly at: string | null;
  /** Whether it is heard on another path and not on this one. */
  readonly isSilent: boolean;
}

/** Every BFD session of this node, and what arrived that belongs to none. */
export interface BfdReport {
  readonly sessions: readonly BfdStatus[];
  /** Packets dropped, by cause. */
  readonly strays: Readonly<Record<string, number>>;
}

/** RFC 5880 §6.2. */
export type BfdStateName = "admin-down" | "down" | "init" | "up";

/** One BFD session as this node sees it. */
export interface BfdStatus {
  readonly name: string;
  readonly interface: string;
  readonly peer: string;
  /** Null while there is no way to the peer. */
  readonly source: string | null;
  readonly state: BfdStateName;
  readonly since: string;
  /** Why it is in this state. */
  readonly reason: string;
  /** RFC 5880 §4.1, in words: why the session was last taken down, as the peer is told. */
  readonly diagnostic: string;
  /** Negotiated interval of our packets; null while there are no periodic ones. */
  readonly transmitIntervalMs: number | null;
  /** How long the peer may be silent; null while nothing is heard of it. */
  readonly detectionMs: number | null;
  readonly localDiscriminator: number;
  /** What the peer says of itself; null while nothing is heard of it. */
  readonly remote: {
    readonly state: BfdStateName;
    readonly diagnostic: string;
    readonly discriminator: number;
    readonly multiplier: number;
    readonly transmitIntervalMs: number;
    readonly receiveIntervalMs: number;
  } | null;
  /** Packets sent, received and dropped by cause, and how often it went up and down. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Why two routers are active and do not settle it. */
export type SplitBrainCause =
  | "authentication"
  | "interval"
  | "version"
  | "ttl"
  | "malformed"
  | "address-list"
  | "group"
  | "vrid"
  | "path"
  | "unheard"
  | "filtered";

/** Two routers that hold the same addresses, as one of them sees the other. */
export interface SplitBrainStatus {
  readonly since: string;
  /** What is known of the other: its node in the cluster's file, its source address, its hardware address. */
  readonly rival: {
    readonly node: string | null;
    readonly address: string | null;
    readonly mac: string | null;
  };
  readonly cause: SplitBrainCause;
  /** What speaks for that cause, a sentence fragment. */
  readonly explanation: string;
  /** What to do. */
  readonly advice: string;
}

/** One probe and its standing verdict. */
export interface ProbeStatus {
  readonly id: string;
  readonly target: Endpoint;
  readonly isUp: boolean;
  readonly since: string;
  /** Text of the last result, such as `status 200 in 3 ms` or `connection refused`. */
  readonly lastResult: string;
  /** What the check says about the server's weight; null is nothing. */
  readonly weight: WeightWord | null;
}

/** One entry of the kernel's service table and its servers. */
export interface ServiceStatus {
  /** Name of the `[[service]]`; of a foreign service what it goes by, such as `tcp 192.0.2.1:80`. */
  readonly name: string;
  /** Whether someone else made it: it is shown, and left alone. */
  readonly isForeign: boolean;
  /** Null for a service that goes by a firewall mark, as are address and port. */
  readonly protocol: "tcp" | "udp" | "sctp" | null;
  readonly address: string | null;
  readonly port: number | null;
  readonly mark: number | null;
  /** Where packets go to that get the mark here, such as `tcp 192.0.2.1:80`; empty without a mark, or if others mark. */
  readonly marked: readonly string[];
  readonly scheduler: string;
  /** Settings of the scheduler: `fallback` and `port` of sh and mh. */
  readonly schedulerFlags: readonly string[];
  readonly isOnePacket: boolean;
  /** How long a client stays with its server, or 0; clients whose addresses agree in `prefix` bits are one. */
  readonly persistence: {
    readonly timeoutS: number;
    readonly prefix: number;
    readonly engine: string | null;
  };
  readonly usesSorry: boolean;
  /** Whether enough of its servers are up. */
  readonly hasQuorum: boolean;
  readonly traffic: TrafficStatus;
  readonly servers: readonly ServerStatus[];
  /** The sorry server while it is in the table. */
  readonly sorry: ServerStatus | null;
}

/** A server of a service in the kernel's table. */
export interface ServerStatus {
  readonly address: string;
  readonly port: number;
  /** Whether it is in the table; where it is not, weight and counters are 0. */
  readonly isInTable: boolean;
  /** Of a tunnel, what packets are wrapped in. */
  readonly forward: "nat" | "local" | "dr" | "bypass" | "ipip" | "gue" | "gre";
  readonly weight: number;
  /** Null for the servers of foreign services, which are not checked. */
  readonly isUp: boolean | null;
  /** Whether the operator has taken it out: with connections still open, or none left. */
  readonly drain: "draining" | "drained" | null;
  /** Connections that were still open when a drain's time was up; 0 if there was none. */
  readonly cutConnections: number;
  /** Connections above which it gets none, until there are fewer than `lowerThreshold`; 0 is no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  /** Clients that persistence binds to it. */
  readonly persistentConnections: number;
  readonly traffic: TrafficStatus;
}

/** What the kernel has counted since the entry was made, and rates as it estimates them over some seconds. */
export interface TrafficStatus {
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

/** What the proxies balance: the relay of a service, or an upstream. */
export interface ProxiedStatus {
  readonly kind: "relay" | "upstream";
  /** Name of the `[[service]]` or `[[upstream]]`. */
  readonly name: string;
  /** The name with the port, where a service has several. */
  readonly group: string;
  /** Where clients reach it, such as `tcp 192.0.2.1:80`; empty for an upstream. */
  readonly sockets: readonly string[];
  readonly scheduler: string;
  readonly persistenceS: number;
  /** Whether enough of its servers are up. */
  readonly hasQuorum: boolean;
  /** The sorry server, and whether new connections go to it. */
  readonly sorry: string | null;
  readonly usesSorry: boolean;
  readonly servers: readonly ProxiedServerStatus[];
}

/** A server behind the proxies. */
export interface ProxiedServerStatus {
  /** What the processes call it. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** What it has now, by file, check, slow start and order. */
  readonly weight: number;
  readonly isUp: boolean;
  /** Whether it is kept out because it comes and goes. */
  readonly isHeld: boolean;
  readonly drain: "draining" | "drained" | null;
  /** Connections that were still open when its drain was over, and were cut. */
  readonly cutConnections: number;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** Of all proxy processes together; null if none has told. */
  readonly traffic: ProxiedTraffic | null;
}

/** A name of servers of an upstream, and what it stands for. */
export interface NameStatus {
  readonly name: string;
  readonly upstream: string;
  /** Addresses; of SRV records with their ports. */
  readonly servers: readonly string[];
  /** Whether it was ever found. */
  readonly isKnown: boolean;
  /** How many servers more there are than may be used. */
  readonly leftOut: number;
  /** Seconds until it is looked up again as a matter of course; 0 is overdue, null if it was never found. */
  readonly ttlS: number | null;
  /** Why the last lookup did not find everything; null if it did. */
  readonly complaint: string | null;
}

/** What proxy processes have carried to a server since they run. */
export interface ProxiedTraffic {
  /** Relayed connections, or requests that wait for their response and WebSockets. */
  readonly open: number;
  /** Connections to an upstream's server that wait for a request. */
  readonly idle: number;
  /** Relayed connections or requests so far. */
  readonly total: number;
  /** Of them, those that the server refused, reset before it said anything, or left waiting. */
  readonly failed: number;
  /** To the server and from it, of relayed connections. */
  readonly inBytes: number;
  readonly outBytes: number;
  /** Why a process leaves it alone, as it failed clients; null if none does. */
  readonly ejected: string | null;
}

/** One proxy process. */
export interface ProxyStatus {
  readonly pid: number;
  readonly connections: number;
  readonly requests: number;
  /** Responses by class: `1xx` … `5xx`. */
  readonly responses: Readonly<Record<string, number>>;
  readonly residentBytes: number;
  /** The caches on disk that sites and routes have. */
  readonly disks: readonly DiskStatus[];
}

/** One child process. */
export interface ProcessStatus {
  readonly role: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly restarts: number;
}
