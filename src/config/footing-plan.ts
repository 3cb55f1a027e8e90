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
  /** It is changed only if it has this value; null changes every other one. */
  readonly onlyFrom: string | null;
}

/** A server whose own connections get the address of the interface they leave through. */
export interface MasqueradePlan {
  readonly server: string;
  readonly interface: string;
}

/** Of a node without kernel services. */
export const noFooting: FootingPlan = { syncDaemon: null, settings: [], masquerades: [] };
