import type { Endpoint, Family } from "../base/address.ts";
import type { ServicePlanServer } from "./node-plan.ts";

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
  readonly servers: readonly IpvsServerPlan[];
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
}
