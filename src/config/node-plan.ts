import type { BfdSessionPlan, RivalPlan } from "./bfd-plan.ts";
import type { DetourPlan, ProbePlan, ProbeSetPlan } from "./check-plan.ts";
import type { Endpoint, Family, Prefix } from "../base/address.ts";
import { type FootingPlan, noFooting } from "./footing-plan.ts";
import type { ListenerPlan, SitePlan, UpstreamPlan } from "./http-plan.ts";
import type { LookupPlan } from "./lookup-plan.ts";
import type { ProxiedPlan } from "./proxied-plan.ts";
import type { IpvsServicePlan, MarkPlan, Scheduler, SchedulerFlag } from "./service-plan.ts";
import type { TrackPlan } from "./track-plan.ts";

/**
 * What one node has to do, derived from the cluster's file: plain frozen data, nothing optional, cut into one
 * slice for each process and sent to it by IPC. All durations are milliseconds unless the name says otherwise.
 */
export interface NodePlan {
  readonly cluster: string;
  readonly node: string;
  readonly vrrp: VrrpPlan;
  readonly director: DirectorPlan;
  readonly proxy: ProxyPlan;
}

/** Everything the `vrrp` process needs. */
export interface VrrpPlan {
  readonly instances: readonly VrrpInstancePlan[];
  readonly syncGroups: readonly SyncGroupPlan[];
  /** How long the proxies' open connections may take to end before an address is handed over; 0 ends them at once. */
  readonly drainTimeoutMs: number;
  readonly tracks: readonly TrackPlan[];
  /** BFD sessions with neighbours, each once however many instances depend on it. */
  readonly bfd: readonly BfdSessionPlan[];
  /** Who is told of changes of state; null is nobody. */
  readonly notify: NotifyPlan | null;
}

/** One virtual router on one interface. */
export interface VrrpInstancePlan {
  /** Name of the VIP or of the `[[vrrp]]` instance; unique on this node. */
  readonly name: string;
  readonly interface: string;
  /** Of its addresses, and of what it speaks; IPv6 with version 3 only. */
  readonly family: Family;
  /** Name of the interface with the virtual MAC that stands on `interface`; null uses the MAC of `interface` itself. */
  readonly virtualMac: string | null;
  readonly version: 2 | 3;
  /** 1–255; IPv4 and IPv6 number their routers apart. */
  readonly vrid: number;
  /** 1–254, or 255 for the address owner. */
  readonly priority: number;
  /** Whether an active router's list of addresses is compared with ours only when it was not heard just before. */
  readonly skipsAddressCheck: boolean;
  /** Accept_Mode (RFC 9568 §6.1): whether this host takes packets to the addresses; always for their owner. */
  readonly accepts: boolean;
  /** Whether the configuration was held to the RFC alone. */
  readonly isStrict: boolean;
  /** Version 2: whole seconds; version 3: multiples of 10 ms up to 40,950. */
  readonly advertIntervalMs: number;
  /** After how many intervals without a word the active router counts as gone, 2–255. */
  readonly downAfter: number;
  readonly preempts: boolean;
  /** How long a better node that comes back follows the active one before it preempts it. */
  readonly preemptDelayMs: number;
  /** How long after the start of the daemon nothing is claimed because of silence, and nobody preempted. */
  readonly startupDelayMs: number;
  /** Addresses in the advertisement, in the order of the file; of IPv6 a link-local one is the first. */
  readonly addresses: readonly VipAddressPlan[];
  /** Held and announced beside them, but not in the advertisement; of either family. */
  readonly extraAddresses: readonly VipAddressPlan[];
  /** Added after the addresses, removed before them. */
  readonly routes: readonly VirtualRoutePlan[];
  readonly rules: readonly VirtualRulePlan[];
  /** Multicast group the advertisements go to. */
  readonly group: string;
  /** How advertisements go to each of the peers instead of the group; null sends to the group. */
  readonly unicast: UnicastPlan | null;
  /** The other routers that are known, on the instance's own interface. */
  readonly peers: readonly PeerPlan[];
  /** Further interfaces on which the same advertisements are sent and heard. */
  readonly heartbeats: readonly HeartbeatPlan[];
  /** Source address of advertisements; null takes the interface's first one that is not virtual, of IPv6 link-local. */
  readonly source: string | null;
  /** RFC 2338 simple text password (at most 8 bytes, version 2 only), or null. */
  readonly password: string | null;
  /** Keys that sign and prove advertisements (version 3 only), or null. */
  readonly hmac: HmacPlan | null;
  /** How the checksum of version 3 over IPv4 is made when sending; both forms are accepted. */
  readonly checksum: "pseudo-header" | "message-only";
  readonly garp: GarpPlan;
  /** Names of the tracks that this instance's claim depends on. */
  readonly tracks: readonly string[];
  /** Who is told of its changes alone, before those who are told of all; null is nobody. */
  readonly notify: OwnNotifyPlan | null;
  /** Whether the claim is withdrawn while every proxy process of the node is dead. */
  readonly needsProxy: boolean;
  /** The other nodes of the cluster that take part. */
  readonly neighbours: readonly NeighbourPlan[];
  /** The other nodes of this router that a BFD session watches; empty without BFD. */
  readonly rivals: readonly RivalPlan[];
}

/** Another node of the cluster, as a member of a virtual router. */
export interface NeighbourPlan {
  readonly node: string;
  /** What it claims with as long as no track lowers it. */
  readonly priority: number;
  /** Where its advertisements come from; null if the file does not say. */
  readonly address: string | null;
}

/** Another router of the same VRID. */
export interface PeerPlan {
  /** Name of its node, or its address where the file says no more. */
  readonly name: string;
  readonly address: string;
}

/** What is accepted of unicast advertisements. */
export interface UnicastPlan {
  /** TTL or hop limit; null is 255 from a network of the interface, anything from elsewhere. */
  readonly ttl: TtlRange | null;
  /** Whether they are believed from peers alone. */
  readonly checksSource: boolean;
}

/** Inclusive range of TTLs, 1–255. */
export interface TtlRange {
  readonly min: number;
  readonly max: number;
}

/** A second way between the nodes of a virtual router. */
export interface HeartbeatPlan {
  readonly interface: string;
  /** This node's own address on it. */
  readonly source: string;
  readonly peers: readonly HeartbeatPeerPlan[];
}

/** Another node on a heartbeat interface. */
export interface HeartbeatPeerPlan extends PeerPlan {
  /** Its source on the virtual router's own interface, by which elections know it. */
  readonly identity: string;
}

/** How advertisements are signed, and which are believed. */
export interface HmacPlan {
  /** By ascending id. */
  readonly keys: readonly HmacKeyPlan[];
  /** Id of the key to sign with; one of `keys`. */
  readonly activeKey: number;
  /** How far a sender's clock may be from ours; null asks only that the times of one sender increase. */
  readonly timeWindowMs: number | null;
  /** Permissive believes advertisements without a signature too. */
  readonly mode: "enforce" | "permissive";
}

/** A secret that the routers of a group share. */
export interface HmacKeyPlan {
  /** 1–255. */
  readonly id: number;
  /** 16 to 64 bytes in hexadecimal digits. */
  readonly hex: string;
}

/** How the taking of an address is announced. */
export interface GarpPlan {
  /** Frames for each address right at the takeover. */
  readonly burst: number;
  /** Pause before the second burst. */
  readonly repeatDelayMs: number;
  /** How often the addresses are announced again while they are held; null is never. */
  readonly refreshMs: number | null;
  /** Frames for each address then. */
  readonly refreshCount: number;
  /** Least pause between two frames on an interface, after the first one for each address; 0 leaves it to the announcer. */
  readonly intervalMs: number;
}

/** An address to put on an interface while active. */
export interface VipAddressPlan extends Prefix {
  readonly interface: string;
  /** Address label of at most 15 bytes, or null; IPv4 only. */
  readonly label: string | null;
  readonly scope: AddressScope;
  /** IPv6: whether the kernel asks the network for other holders first, which keeps it silent for a second or two. */
  readonly detectsDuplicates: boolean;
}

/** How far an address, or a route, is valid. */
export type AddressScope = "global" | "site" | "link" | "host";

/** A route that is there while its virtual router is active. */
export interface VirtualRoutePlan {
  /** The default route is `0.0.0.0/0` or `::/0`. */
  readonly destination: Prefix;
  readonly type: "unicast" | "blackhole" | "unreachable" | "prohibit" | "throw";
  /** The next router, or null. */
  readonly via: string | null;
  /** Null for a route that leads nowhere. */
  readonly interface: string | null;
  /** Address that own packets come from, or null. */
  readonly source: string | null;
  /** Among several to one destination the smallest wins. */
  readonly metric: number;
  /** A number, or a name that the node has in /etc/iproute2/rt_tables. */
  readonly table: number | string;
  /** Whether `via` counts as a neighbour though no network of the interface says so. */
  readonly isOnLink: boolean;
}

/** A rule of the routing policy that is there while its virtual router is active. */
export interface VirtualRulePlan {
  readonly family: 4 | 6;
  /** The smallest is asked first. */
  readonly priority: number;
  readonly from: Prefix | null;
  readonly to: Prefix | null;
  readonly inputInterface: string | null;
  readonly outputInterface: string | null;
  /** Mark of packets, and the bits of it that count, or null. */
  readonly mark: { readonly value: number; readonly mask: number } | null;
  readonly action:
    | { readonly kind: "table"; readonly table: number | string }
    | { readonly kind: "blackhole" | "unreachable" | "prohibit" };
}

/** Instances that move together. */
export interface SyncGroupPlan {
  readonly name: string;
  readonly instances: readonly string[];
  /** Names of the tracks that the group names itself; each member has them among its own. */
  readonly tracks: readonly string[];
  readonly notify: OwnNotifyPlan | null;
}

/** Who is told of changes of state. */
export interface NotifyPlan {
  /** Name of this node. */
  readonly node: string;
  readonly script: NotifyScriptPlan | null;
  /** Path of a FIFO that gets a line for each change, or null. */
  readonly fifo: string | null;
}

/** Programs told of the changes of one virtual router or sync group alone. */
export interface OwnNotifyPlan {
  /** Run at one state each, as they are written. */
  readonly master: NotifyScriptPlan | null;
  readonly backup: NotifyScriptPlan | null;
  readonly fault: NotifyScriptPlan | null;
  readonly stop: NotifyScriptPlan | null;
  /** Run afterwards at every state, and told which one. */
  readonly script: NotifyScriptPlan | null;
}

/** A program that is run at every change of state. */
export interface NotifyScriptPlan {
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
  /** User to run it as; null is one without privileges (`edge-ha`, or `nobody`). */
  readonly user: string | null;
}

/** Everything the `director` process needs. */
export interface DirectorPlan {
  readonly probes: readonly ProbePlan[];
  /** Of servers that several of them decide about. */
  readonly probeSets: readonly ProbeSetPlan[];
  /** Where probes go to a virtual address by way of a server. */
  readonly detours: readonly DetourPlan[];
  /** Services in the kernel's IPVS. */
  readonly services: readonly IpvsServicePlan[];
  /** Relays and upstreams, which the proxies balance. */
  readonly proxied: readonly ProxiedPlan[];
  /** Names of servers of upstreams, to be looked up again and again. */
  readonly lookups: readonly LookupPlan[];
  /** Packets to be marked for those of them that go by a mark. */
  readonly marks: readonly MarkPlan[];
  /** What they need of the kernel beside their table. */
  readonly footing: FootingPlan;
  /** Who is told of services and servers that come and go. */
  readonly notify: NotifyPlan | null;
}

/** Of a `director` that has nothing to do. */
export const noDirectorPlan: DirectorPlan = {
  probes: [],
  probeSets: [],
  detours: [],
  services: [],
  proxied: [],
  lookups: [],
  marks: [],
  footing: noFooting,
  notify: null,
};

/** A server behind an L4 service. */
export interface ServicePlanServer extends Endpoint {
  /** 0–65,535; 0 takes no new connections. */
  readonly weight: number;
  /** The probe that decides whether it is up, or the set of them; null is always up. */
  readonly probe: string | null;
}

/** Everything a `proxy` process needs. */
export interface ProxyPlan {
  /** Number of processes. */
  readonly workers: number;
  /** User to run as. */
  readonly user: string;
  /** UDP flows that all processes together have open at most. */
  readonly mostFlows: number;
  /** Connections that clients have open to all processes together; null is any number. */
  readonly mostConnections: number | null;
  /** How long processes that are replaced by those of this plan may finish what is open. */
  readonly drainMs: number;
  /** Bytes that each process may keep of servers' answers. */
  readonly cacheBytes: number;
  /** What these proxies call themselves in Via (RFC 9110 §7.6.3). */
  readonly via: string;
  readonly listeners: readonly ListenerPlan[];
  readonly relays: readonly RelayPlan[];
  readonly upstreams: readonly UpstreamPlan[];
  readonly sites: readonly SitePlan[];
}

/** A service with `forward = "proxy"`: TCP or UDP relayed in user space. */
export interface RelayPlan {
  readonly name: string;
  /** How datagrams are relayed; null relays TCP. */
  readonly udp: UdpRelayPlan | null;
  readonly sockets: readonly Endpoint[];
  readonly scheduler: RelayScheduler;
  /** Settings of the schedulers `sh` and `mh`. */
  readonly schedulerFlags: readonly SchedulerFlag[];
  /** Persistence timeout in seconds; 0 is none. */
  readonly persistenceS: number;
  /** Clients whose addresses agree in so many bits stay together. */
  readonly persistencePrefix: { readonly ipv4: number; readonly ipv6: number };
  readonly connectTimeoutMs: number;
  /** How servers are told of the client before its first byte (the PROXY protocol); null tells them nothing. */
  readonly proxyProtocol: "v1" | "v2" | null;
  readonly sorry: Endpoint | null;
  /** Whether servers count as down until they are heard to be up. */
  readonly startsDown: boolean;
  readonly servers: readonly RelayServerPlan[];
}

/** A client's datagrams from one port are a flow: they go to one server, and its answers back. */
export interface UdpRelayPlan {
  /** A flow without a datagram for this long is over. */
  readonly idleTimeoutMs: number;
  /** Whether a server is chosen for every datagram by itself. */
  readonly isOnePacket: boolean;
}

/** The schedulers that make sense of one destination: not those that spread destinations over caches. */
export type RelayScheduler = Exclude<Scheduler, "lblc" | "lblcr">;

/** A server of a relay. */
export interface RelayServerPlan extends ServicePlanServer {
  /** Connections above which it gets none, until they are below `lowerThreshold` (0: three quarters); 0 is no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
}
