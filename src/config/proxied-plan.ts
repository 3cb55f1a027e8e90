import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { NamedServers } from "./http-config.ts";
import type { ServicePlanServer } from "./node-plan.ts";
import type { DampingPlan, QuorumPlan, TransportProtocol } from "./service-plan.ts";

/** What the proxies balance, as the `director` sees it: it decides how servers stand, and they obey. */

/** A relay of an L4 service, or an upstream. */
export type ProxiedKind = "relay" | "upstream";

/** One group of servers that the proxies choose among. */
export interface ProxiedPlan {
  readonly kind: ProxiedKind;
  /** Name of the `[[service]]` or `[[upstream]]`; several relays share it when a service has several ports. */
  readonly name: string;
  /** Name that the proxies know it by. */
  readonly group: string;
  /** Of a relay. */
  readonly protocol: TransportProtocol;
  /** Where clients reach it; an upstream has none of its own. */
  readonly sockets: readonly Endpoint[];
  /** How a server is chosen, in the words of the file. */
  readonly scheduler: string;
  /** Persistence timeout in seconds; 0 is none. */
  readonly persistenceS: number;
  readonly sorry: Endpoint | null;
  readonly quorum: QuorumPlan;
  /** Whether servers count as down until their check has succeeded. */
  readonly startsDown: boolean;
  readonly damping: DampingPlan | null;
  readonly servers: readonly ProxiedServerPlan[];
  /** Further servers, whose addresses are looked up. */
  readonly named: readonly NamedServers[];
}

/** A server of such a group. */
export interface ProxiedServerPlan extends ServicePlanServer {
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** Whether it keeps its open connections while it is down. */
  readonly inhibits: boolean;
  /** How long its weight grows after it came back; 0 is at once. */
  readonly slowStartMs: number;
  /** Whether the file has it drained: it gets nothing new as long as that stands there. */
  readonly isDrained: boolean;
}

/** Names a server of a relay or an upstream, the same in all processes. */
export function proxiedServerId(kind: ProxiedKind, group: string, server: Endpoint): string {
  return `${kind} ${group} ${formatEndpoint(server)}`;
}
