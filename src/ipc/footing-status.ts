import type { Family } from "../base/address.ts";

/** What edge-ha has changed in the kernel for its services, beside their table. */
export interface FootingStatus {
  readonly settings: readonly SettingStatus[];
  /** Those that run; of others too where this node wants its own. */
  readonly syncDaemons: readonly SyncDaemonStatus[];
  readonly marks: readonly MarkStatus[];
  /** Whose connections get an address of this node as their source, in words. */
  readonly masquerades: readonly string[];
  /** What should be otherwise and cannot be had, in words. */
  readonly problems: readonly string[];
}

/** A setting of the kernel's that edge-ha has changed. */
export interface SettingStatus {
  /** As sysctl(8) names it, or `IPVS timeout tcp` and the like. */
  readonly name: string;
  /** What edge-ha has set, and what was there before and is put back. */
  readonly value: string;
  readonly before: string;
}

/** One of the kernel's sync daemons. */
export interface SyncDaemonStatus {
  /** The master tells of this node's connections, the backup hears of the others'. */
  readonly role: "master" | "backup";
  readonly interface: string;
  readonly id: number;
  /** Null where the kernel does not say. */
  readonly group: string | null;
  readonly port: number | null;
  readonly ttl: number | null;
  /** Whether somebody else has started it: it stays. */
  readonly isForeign: boolean;
}

/** Packets that edge-ha marks for a service. */
export interface MarkStatus {
  readonly mark: number;
  readonly family: Family;
  /** Where they go to, such as `tcp 192.0.2.1:80`. */
  readonly places: readonly string[];
  /** Whether the packet filter has the rules as they should be. */
  readonly isInForce: boolean;
}

/** Of a node that has changed nothing. */
export const noFootingStatus: FootingStatus = {
  settings: [],
  syncDaemons: [],
  marks: [],
  masquerades: [],
  problems: [],
};
