import type { Endpoint, Family, Prefix } from "../base/address.ts";
import type { Check, CheckTiming } from "./check-plan.ts";
import type { ExtraAddressEntry, VirtualRouteEntry, VirtualRuleEntry } from "./schema/holdings.ts";
import type { AgentForm } from "./agent-words.ts";
import type {
  AddressScope,
  GarpPlan,
  HeartbeatPlan,
  HmacPlan,
  NotifyPlan,
  OwnNotifyPlan,
  PeerPlan,
  UnicastPlan,
} from "./node-plan.ts";
import type { ListenerConfig, UpstreamConfig } from "./http-config.ts";
import type { SitePlan } from "./http-plan.ts";
import type { PerNode } from "./schema/per-node.ts";
import type { RealServerEntry } from "./schema/real-server.ts";
import type {
  DampingPlan,
  KernelForward,
  QuorumPlan,
  Scheduler,
  SchedulerFlag,
  TransportProtocol,
  TunnelPlan,
} from "./service-plan.ts";
import type { ServersTrackPlan, TrackPlan } from "./track-plan.ts";
import type { TunnelForm } from "./tunnel-words.ts";

/**
 * The whole cluster as one file describes it, after every default, derivation and rule: deeply frozen, nothing optional,
 * the same on every node. `planNode` cuts one node's part out of it. Durations are milliseconds unless the name says otherwise.
 */
export interface Config {
  readonly cluster: string;
  readonly nodes: readonly NodeConfig[];
  /** The `[[vip]]` tables, then the `[[vrrp]]` tables, each in the order of the file. */
  readonly instances: readonly InstanceConfig[];
  readonly syncGroups: readonly SyncGroupConfig[];
  /** How long open L7 connections may take to end before an address is handed over; 0 ends them at once. */
  readonly drainTimeoutMs: number;
  readonly tracks: readonly TrackConfig[];
  /** The `[[bfd]]` tables; what follows from the virtual routers is derived by `planNode`. */
  readonly bfd: readonly BfdConfig[];
  readonly notify: NotifyConfig | null;
  /** Whether those of `notify` are told of services and their servers too. */
  readonly notifiesServices: boolean;
  readonly services: readonly ServiceConfig[];
  /** Null carries no connection of the kernel's over to the other directors. */
  readonly syncDaemon: SyncDaemonConfig | null;
  readonly ipvs: IpvsConfig;
  readonly listeners: readonly ListenerConfig[];
  readonly upstreams: readonly UpstreamConfig[];
  readonly sites: readonly SitePlan[];
  readonly proxy: ProxyConfig;
  /** Of `[real_server]`; what `edge-ha rs` makes of it and of the services, and nobody else, is in real-server.ts. */
  readonly realServer: RealServerEntry | null;
}

/** One host of the cluster. */
export interface NodeConfig {
  readonly name: string;
  readonly addresses: readonly NodeAddressConfig[];
}

/** An address of a node's own. */
export interface NodeAddressConfig {
  readonly interface: string;
  readonly address: string;
  /** Null where the file gives the address without its prefix. */
  readonly prefixLength: number | null;
}

/** One virtual router, whichever of the two forms it was written in. */
export interface InstanceConfig {
  readonly name: string;
  readonly form: "vip" | "vrrp";
  readonly vrid: number;
  readonly family: Family;
  readonly version: 2 | 3;
  readonly advertIntervalMs: number;
  readonly downAfter: number;
  readonly preempts: boolean;
  readonly preemptDelayMs: number;
  readonly startupDelayMs: number;
  readonly skipsAddressCheck: boolean;
  /** Accept_Mode, but for the owner of the addresses. */
  readonly accepts: boolean;
  readonly isStrict: boolean;
  readonly addresses: readonly Prefix[];
  readonly label: string | null;
  /** `nodad = false`; concerns IPv6 addresses alone. */
  readonly detectsDuplicates: boolean;
  readonly scope: AddressScope;
  readonly extraAddresses: readonly ExtraAddressEntry[];
  readonly routes: readonly VirtualRouteEntry[];
  readonly rules: readonly VirtualRuleEntry[];
  readonly group: string;
  /** Null where advertisements go to the group. */
  readonly unicast: UnicastPlan | null;
  /** Whether it has an interface with the virtual MAC, or the name of that interface. */
  readonly virtualMac: boolean | string;
  readonly password: string | null;
  readonly hmac: HmacPlan | null;
  readonly checksum: "pseudo-header" | "message-only";
  readonly garp: GarpPlan;
  /** The nodes that take part; a VIP's in its order of preference. */
  readonly members: readonly MemberConfig[];
  /** Names of the tracks its claim depends on. */
  readonly tracks: readonly string[];
  readonly needsProxy: boolean;
  /** Who is told of its changes alone. */
  readonly notify: OwnNotifyPlan | null;
  /** How the nodes watch each other; null without BFD. */
  readonly bfd: BfdPaceConfig | null;
}

/** A BFD session with a neighbour that is spelled out. */
export interface BfdConfig {
  readonly name: string;
  readonly intervalMs: number;
  readonly minReceiveMs: number;
  readonly multiplier: number;
  readonly ends: readonly {
    readonly node: string;
    readonly interface: string;
    readonly peer: string;
    readonly source: string | null;
  }[];
}

/** How fast BFD watches. */
export interface BfdPaceConfig {
  readonly intervalMs: number;
  readonly multiplier: number;
}

/** A node's part in a virtual router. */
export interface MemberConfig {
  readonly node: string;
  readonly interface: string;
  readonly priority: number;
  /** The node's own address that advertisements come from; null takes the interface's first. */
  readonly source: string | null;
  /** The other routers that are known. */
  readonly peers: readonly PeerPlan[];
  readonly heartbeats: readonly HeartbeatPlan[];
}

/** Instances that move together. */
export interface SyncGroupConfig {
  readonly name: string;
  readonly instances: readonly string[];
  /** Names of the tracks that it names itself, which are among those of every member. */
  readonly tracks: readonly string[];
  readonly notify: OwnNotifyPlan | null;
}

/** Something that changes a claim. */
export type TrackConfig = Exclude<TrackPlan, ServersTrackPlan> | ServersTrackConfig;

/** A service or upstream that has to have healthy servers. */
export interface ServersTrackConfig extends Omit<ServersTrackPlan, "subject" | "servers"> {
  readonly of: "service" | "upstream";
  /** Name of the `[[service]]` or `[[upstream]]`. */
  readonly target: string;
}

/** Who is told of changes of state. */
export type NotifyConfig = Omit<NotifyPlan, "node">;

/** How a server is checked. */
export type CheckConfig = CheckPlaceConfig & Omit<CheckTiming, "source" | "proxyProtocol"> & Check;

/** From where to where a check goes. */
export interface CheckPlaceConfig {
  /** In place of the server's own; null is that. */
  readonly address: string | null;
  readonly port: number | null;
  /** Address that the check comes from, one or one for each node; null leaves it to the routes. */
  readonly source: PerNode<string> | null;
  /** Whether the VIP is asked, by way of the server, in place of the server's own address. */
  readonly via: "vip" | null;
  /** Null is none, unless clients' connections to the same port begin with one. */
  readonly proxyProtocol: CheckTiming["proxyProtocol"] | "off";
}

/** A server with its own checks, all of which have to succeed; with none it counts as up. */
export interface ServerConfig extends Endpoint {
  readonly weight: number;
  readonly checks: readonly CheckConfig[];
  /** The virtual addresses that clients reach it by, where packets come to it unchanged. */
  readonly vips: readonly string[];
}

/** An L4 service. */
export interface ServiceConfig {
  readonly name: string;
  /** Names of the instances whose addresses it answers on. */
  readonly vips: readonly string[];
  /** Addresses beside them. */
  readonly addresses: readonly string[];
  /** Empty for packets that a firewall mark tells. */
  readonly ports: readonly number[];
  /** The mark that the operator's packet filter puts on packets for this service, or null. */
  readonly firewallMark: number | null;
  readonly protocol: TransportProtocol;
  readonly forward: Forward;
  readonly scheduler: Scheduler;
  readonly schedulerFlags: readonly SchedulerFlag[];
  readonly isOnePacket: boolean;
  readonly persistenceS: number;
  /** How many bits of their addresses clients that stay together have in common. */
  readonly persistencePrefix: { readonly ipv4: number; readonly ipv6: number };
  readonly persistenceEngine: "sip" | null;
  readonly sorry: Endpoint | null;
  readonly quorum: QuorumPlan;
  readonly startsDown: boolean;
  readonly damping: DampingPlan | null;
  /** Whose connections get an address of the director's as their source: those that servers open themselves, those that
   * clients open to the service, or none's. */
  readonly snat: "servers" | "clients" | null;
  /** How the sorry server is reached where that is by tunnel. */
  readonly tunnel: TunnelPlan | null;
  /** How long the userspace relay waits for a server to accept. */
  readonly connectTimeoutMs: number;
  /** How long a UDP flow of the userspace relay lasts without a datagram; null is as long as in the kernel. */
  readonly idleTimeoutMs: number | null;
  /** How a relay tells servers of the client; null does not. */
  readonly proxyProtocol: "v1" | "v2" | null;
  readonly servers: readonly ServiceServerConfig[];
}

/** How an L4 service reaches its servers: by the kernel, or relayed by the proxy processes. */
export type Forward = KernelForward | "proxy";

/** How directors tell one another of their connections. */
export interface SyncDaemonConfig {
  /** Null is a heartbeat interface of the node's, or that of its first virtual router. */
  readonly interface: PerNode<string> | null;
  /** Null is the VRID of the first virtual router. */
  readonly id: number | null;
  readonly group: string;
  readonly port: number;
  readonly ttl: number;
  readonly maxLength: number | null;
}

/** Settings of the kernel's services that the file spells out. */
export interface IpvsConfig {
  /** How long idle connections are kept, in seconds; null leaves the kernel's. */
  readonly tcpTimeoutS: number | null;
  readonly tcpFinTimeoutS: number | null;
  readonly udpTimeoutS: number | null;
  /** Names below `net.ipv4.vs`. */
  readonly sysctls: Readonly<Record<string, string>>;
}

/** A server of an L4 service. */
export interface ServiceServerConfig {
  readonly address: string;
  /** Null is the port that the service was reached at. */
  readonly port: number | null;
  readonly weight: number;
  readonly checks: readonly CheckConfig[];
  readonly forward: Forward;
  /** Null unless `forward` is `tunnel`. */
  readonly tunnel: TunnelPlan | null;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly inhibits: boolean;
  readonly slowStartMs: number;
}

/** The proxy processes. */
export interface ProxyConfig {
  /** Null is one for each core. */
  readonly workers: number | null;
  readonly user: string;
  /** UDP flows that all processes together have open at most. */
  readonly mostFlows: number;
  /** Null is any number. */
  readonly mostConnections: number | null;
  /** How long processes that were replaced may finish what is open. */
  readonly drainMs: number;
  /** Bytes that each process may keep of servers' answers. */
  readonly cacheBytes: number;
  /** What proxies call themselves in Via; null is each node's own name. */
  readonly via: string | null;
}

/** A socket of a service on a VIP, and the servers that have to have it. */
export interface RealServerSocket extends Endpoint {
  readonly protocol: TransportProtocol;
  readonly servers: readonly string[];
}

/** What `edge-ha rs` takes on. */
export interface RealServerConfig {
  /** On `lo`. */
  readonly addresses: readonly string[];
  readonly tunnels: readonly TunnelForm[];
  /** What the services want of their servers, by the VIPs. */
  readonly sockets: readonly RealServerSocket[];
  /** What `rs serve` answers directors with; null without. */
  readonly agent: AgentForm | null;
  /** How `rs serve` checks its own server; null without. */
  readonly health: CheckConfig | null;
}
