import type { TransportProtocol } from "./service-plan.ts";

/** What a node's kernel services need beside their table; part of the plan in node-plan.ts. */
export interface FootingPlan {
  /** Null carries no connection over. */
  readonly syncDaemon: SyncDaemonPlan | null;
  readonly settings: readonly SettingPlan[];
  readonly masquerades: readonly MasqueradePlan[];
}

/** How this node tells the others of its connections, and hears of theirs. */
export interface SyncDaemonPlan {
  readonly interface: string;
  /** 0–255; 0 hears every master. */
  readonly id: number;
  readonly group: string;
  readonly port: number;
  readonly ttl: number;
  /** Most bytes in one message; null is what fits a packet. */
  readonly maxLength: number | null;
}

/** A setting of the kernel's that has to have a value. */
export interface SettingPlan {
  /** Below /proc/sys, such as `net/ipv4/ip_forward`, or one of IPVS's timeouts, such as `ipvs/tcp`, in seconds. */
  readonly path: string;
  readonly value: string;
  /** It is changed only if the kernel has it, with this value; null changes every other one. */
  readonly onlyFrom: string | null;
}

/** Connections that get the address of the interface they leave through as their source. */
export type MasqueradePlan = ServerMasqueradePlan | SocketMasqueradePlan | MarkMasqueradePlan;

/** What a server opens itself. */
export interface ServerMasqueradePlan {
  readonly kind: "server";
  readonly server: string;
  readonly interface: string;
}

/** What clients opened to a service of the kernel's that goes by address and port. */
export interface SocketMasqueradePlan {
  readonly kind: "socket";
  readonly protocol: TransportProtocol;
  readonly address: string;
  readonly port: number;
}

/** What clients opened to a service that goes by mark, on its way to one of the servers. */
export interface MarkMasqueradePlan {
  readonly kind: "mark";
  readonly mark: number;
  readonly server: string;
}

/** Of a node without kernel services. */
export const noFooting: FootingPlan = { syncDaemon: null, settings: [], masquerades: [] };
