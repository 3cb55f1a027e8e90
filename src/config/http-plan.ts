import type { Endpoint } from "../base/address.ts";
import type { ServicePlanServer } from "./node-plan.ts";

/** L7 listening sockets; the supervisor opens them and hands them over. */
export interface ListenerPlan {
  readonly name: string;
  readonly sockets: readonly Endpoint[];
  /** How long a connection may take to send a complete request head. */
  readonly headTimeoutMs: number;
  /** How long a connection may be idle between requests. */
  readonly idleTimeoutMs: number;
}

/** A group of HTTP servers. */
export interface UpstreamPlan {
  readonly name: string;
  readonly balance: "round-robin";
  readonly servers: readonly UpstreamServerPlan[];
  /** Idle connections kept to each server by each process. */
  readonly keepAliveConnections: number;
  readonly keepAliveIdleMs: number;
}

/** A server of an upstream. */
export interface UpstreamServerPlan extends ServicePlanServer {
  /** Used only while no other server is up. */
  readonly isBackup: boolean;
}

/** A group of host names with its routes. */
export interface SitePlan {
  /** Lower case; `*.example` matches one or more labels, `*` everything else. */
  readonly hosts: readonly string[];
  /** Names of listeners. */
  readonly listeners: readonly string[];
  readonly accessLog: { readonly path: string; readonly format: "main" } | null;
  readonly maxBodyBytes: number;
  readonly routes: readonly RoutePlan[];
}

/** What happens with requests below a path. */
export interface RoutePlan {
  /** Prefix, on segment borders when it does not end in `/`; the longest wins. */
  readonly path: string;
  readonly upstream: string;
  readonly connectTimeoutMs: number;
  readonly sendTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly responseHeaders: HeaderRulesPlan;
}

/** Changes to the fields of a response: remove, then set, then add. */
export interface HeaderRulesPlan {
  readonly remove: readonly string[];
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
}
