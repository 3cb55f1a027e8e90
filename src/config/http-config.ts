import type { ServerConfig } from "./config.ts";
import type { LookupPlan } from "./lookup-plan.ts";
import type { ListenerPlan, UpstreamPlan, UpstreamServerPlan } from "./http-plan.ts";

/** What of L7 is another thing in the whole cluster than on one node; a site is the same in both, see http-plan.ts. */

/** An L7 listening address. */
export interface ListenerConfig extends Omit<ListenerPlan, "sockets"> {
  readonly place: ListenerPlace;
}

/** Where a listener listens: its sockets follow from it on each node. */
export interface ListenerPlace {
  /** Null is every address. */
  readonly address: string | null;
  readonly port: number;
  /** Narrows an address of null to these instances' addresses; empty is all. */
  readonly vips: readonly string[];
}

/** A server of an upstream. */
export interface UpstreamServerConfig
  extends ServerConfig, Pick<UpstreamServerPlan, "isBackup" | "mostConnections" | "name"> {
  readonly slowStartMs: number;
  /** Whether the file has it drained. */
  readonly isDrained: boolean;
}

/** Servers of an upstream that go by one name: what each of them will be, but for its address. */
export interface NamedServers extends Omit<UpstreamServerConfig, "address" | "port" | "name" | "vips"> {
  readonly lookup: LookupPlan;
  /** Null where SRV records say it. */
  readonly port: number | null;
}

/** A group of HTTP servers. */
export interface UpstreamConfig extends Omit<UpstreamPlan, "servers"> {
  readonly servers: readonly UpstreamServerConfig[];
}
