import type { Endpoint, Family } from "../base/address.ts";
import type { NotifyScriptPlan, ServicePlanServer } from "./node-plan.ts";

/** What the kernel balances: the director's part of a plan. */

/** How an L4 service hands a packet to a server. */
export type KernelForward = "dr" | "nat" | "tunnel";

/** A transport protocol that the kernel balances. */
export type TransportProtocol = "tcp" | "udp" | "sctp";

/** How the kernel chooses a server for a new connection; the kernel's own names. */
export type Scheduler =
  | "rr"
  | "wrr"
  | "lc"
  | "wlc"
  | "lblc"
  | "lblcr"
  | "dh"
  | "sh"
  | "sed"
  | "nq"
  | "fo"
  | "ovf"
  | "mh"
  | "twos";

/** What identifies a service in the kernel: where packets go to, or how they were marked. */
export type ServiceKeyPlan =
  | {
      readonly family: Family;
      readonly protocol: TransportProtocol;
      readonly address: string;
      readonly port: number;
    }
  | { readonly family: Family; readonly mark: number };

/** Packets that this node marks, for the service that goes by that mark. */
export interface MarkPlan {
  readonly mark: number;
  readonly family: Family;
  readonly sockets: readonly {
    readonly protocol: TransportProtocol;
    readonly address: string;
    readonly port: number;
  }[];
}

/** How packets are wrapped on the way to a server. */
export interface TunnelPlan {
  readonly type: "ipip" | "gue" | "gre";
  /** UDP port that `gue` goes to; 0 for the others. */
  readonly port: number;
  /** Of `gue` and `gre`; `remote` leaves it to the receiver's offload. */
  readonly checksum: "none" | "full" | "remote";
}

/** One entry of the kernel's service table. */
export interface IpvsServicePlan {
  /** Name of the `[[service]]`; several entries share it when it covers several VIPs or ports. */
  readonly name: string;
  readonly key: ServiceKeyPlan;
  readonly scheduler: Scheduler;
  /** Settings of the schedulers `sh` and `mh`. */
  readonly schedulerFlags: readonly SchedulerFlag[];
  /** Whether every datagram is scheduled by itself. */
  readonly isOnePacket: boolean;
  /** Persistence timeout in seconds; 0 is none. */
  readonly persistenceS: number;
  /** Clients whose addresses agree in so many bits stay together: 1–32, or 1–128. */
  readonly persistencePrefix: number;
  /** What persistence goes by in place of the client's address: SIP's Call-ID, or null. */
  readonly persistenceEngine: "sip" | null;
  /** Takes the traffic when every server is down; null refuses it. */
  readonly sorry: IpvsTargetPlan | null;
  readonly quorum: QuorumPlan;
  /** Whether servers count as down until their check has succeeded. */
  readonly startsDown: boolean;
  /** When a server that comes and goes is kept out; null never. */
  readonly damping: DampingPlan | null;
  readonly servers: readonly IpvsServerPlan[];
}

/** How much of a service has to be alive. */
export interface QuorumPlan {
  /** Sum of weights that the servers that are up must have. */
  readonly weight: number;
  /** How far the sum must be off before it counts that it is above or below. */
  readonly hysteresis: number;
  /** Run when the quorum is reached, and when it is lost; null is nothing. */
  readonly up: NotifyScriptPlan | null;
  readonly down: NotifyScriptPlan | null;
  /** Whether a stop runs `down` too. */
  readonly endsOnStop: boolean;
}

/** When a server that changes too often is kept out: so many failures within a time. */
export interface DampingPlan {
  readonly changes: number;
  readonly withinMs: number;
  /** For how long after the last of them. */
  readonly holdMs: number;
}

/** `fallback`: to the next server when the one hashed to is down or overloaded; `port`: source ports are hashed too. */
export type SchedulerFlag = "fallback" | "port";

/** A server as the kernel reaches it; the port is the service's, or 0 for a mark, where the forwarding changes none. */
export interface IpvsTargetPlan extends Endpoint {
  readonly forward: KernelForward;
  /** Null unless `forward` is `tunnel`. */
  readonly tunnel: TunnelPlan | null;
}

/** A server of a service in the kernel. */
export interface IpvsServerPlan extends ServicePlanServer, IpvsTargetPlan {
  /** Connections above which it gets none, until they are below `lowerThreshold` (0: three quarters); 0 is no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** Whether it stays in the table with weight 0 while it is down, so that its connections go on. */
  readonly inhibits: boolean;
  /** How long its weight grows after it came back; 0 is at once. */
  readonly slowStartMs: number;
}
