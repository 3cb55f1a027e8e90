import type { AdmissionPlan } from "./admission-plan.ts";
import type { ServerConfig } from "./config.ts";
import type {
  HeadLimitsPlan,
  AccessLogPlan,
  RequestIdsPlan,
  HeaderRulesPlan,
  ProxyProtocolPlan,
  TlsListenerPlan,
  UpstreamTlsPlan,
} from "./http-plan.ts";
import type { ContentPlan, ErrorPagesPlan } from "./content-plan.ts";
import type { UpstreamPolicy } from "./upstream-policy.ts";
import type { ListenerPolicyPlan, RoutingPlan, SitePolicyPlan } from "./routing-plan.ts";

/** An L7 listening address. */
export interface ListenerConfig {
  readonly name: string;
  /** Null is every address. */
  readonly address: string | null;
  readonly port: number;
  /** Narrows an address of null to these instances' addresses; empty is all. */
  readonly vips: readonly string[];
  readonly headTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Null speaks in clear text. */
  readonly tls: TlsListenerPlan | null;
  readonly proxyProtocol: ProxyProtocolPlan | null;
  readonly headLimits: HeadLimitsPlan;
  /** Of all processes together; null is any number. */
  readonly mostConnections: number | null;
  readonly mostPerSource: number | null;
  /** Whether clients may speak HTTP/2: by ALPN under TLS, with prior knowledge in clear text. */
  readonly http2: boolean;
  readonly policy: ListenerPolicyPlan;
}

/** A server of an upstream. */
export interface UpstreamServerConfig extends ServerConfig {
  readonly isBackup: boolean;
  readonly mostConnections: number;
  readonly slowStartMs: number;
}

/** A group of HTTP servers. */
export interface UpstreamConfig extends UpstreamPolicy {
  readonly name: string;
  readonly servers: readonly UpstreamServerConfig[];
  readonly http2: boolean;
  readonly proxyProtocol: "v1" | "v2" | null;
  readonly keepAliveConnections: number;
  readonly keepAliveIdleMs: number;
  /** Null speaks in clear text. */
  readonly tls: UpstreamTlsPlan | null;
}

/** A group of host names. */
export interface SiteConfig {
  readonly hosts: readonly string[];
  readonly listeners: readonly string[];
  readonly accessLog: AccessLogPlan | null;
  readonly ids: RequestIdsPlan | null;
  readonly maxBodyBytes: number;
  /** For answers that belong to no route; null is the usual texts. */
  readonly errorPages: ErrorPagesPlan | null;
  readonly policy: SitePolicyPlan;
  readonly routes: readonly RouteConfig[];
}

/** What happens with requests below a path. */
export interface RouteConfig {
  readonly path: string;
  /** Null where an answer is given without a server. */
  readonly upstream: string | null;
  readonly connectTimeoutMs: number;
  readonly sendTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly responseHeaders: HeaderRulesPlan;
  readonly accessLog: AccessLogPlan | "off" | null;
  readonly content: ContentPlan;
  readonly admission: AdmissionPlan;
  readonly routing: RoutingPlan;
}
