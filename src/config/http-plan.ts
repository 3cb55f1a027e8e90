import type { Endpoint, Prefix } from "../base/address.ts";
import type { CompressionPlan, ContentPlan, ErrorPagesPlan } from "./content-plan.ts";
import type { AdmissionPlan } from "./admission-plan.ts";
import type { NamedServers } from "./http-config.ts";
import type { LogEscape } from "./log-format.ts";
import type { ServicePlanServer } from "./node-plan.ts";
import type { RetryRules, UpstreamPolicy } from "./upstream-policy.ts";
import type { ListenerPolicyPlan, RoutingPlan, SitePolicyPlan } from "./routing-plan.ts";

/** L7 listening sockets; the supervisor opens them and hands them over. */
export interface ListenerPlan {
  readonly name: string;
  readonly sockets: readonly Endpoint[];
  /** How long a connection may take to send a complete request head. */
  readonly headTimeoutMs: number;
  /** How long a connection may be idle between requests. */
  readonly idleTimeoutMs: number;
  /** Null speaks in clear text. */
  readonly tls: TlsListenerPlan | null;
  /** Whether clients may speak HTTP/2: by ALPN under TLS, with prior knowledge in clear text. */
  readonly http2: boolean;
  /** Null speaks no HTTP/3. */
  readonly http3: Http3Plan | null;
  /** Null reads no header of the PROXY protocol. */
  readonly proxyProtocol: ProxyProtocolPlan | null;
  readonly policy: ListenerPolicyPlan;
  readonly headLimits: HeadLimitsPlan;
  /** How slow clients may be while they alone are waited for. */
  readonly upload: PaceLimitPlan;
  readonly download: PaceLimitPlan;
  /** Connections of all processes together; null is any number. */
  readonly mostConnections: number | null;
  /** The same for each source. */
  readonly mostPerSource: number | null;
}

/** How a listener speaks HTTP/3, on UDP sockets of the same addresses and port. */
export interface Http3Plan {
  /** How long clients may remember that it does; 0 does not tell them. */
  readonly rememberedS: number;
}

/** How slow a client may be in one direction. */
export interface PaceLimitPlan {
  /** 0 is any. */
  readonly bytesPerS: number;
  /** That is looked at in windows of this length. */
  readonly windowMs: number;
  /** How long it may move nothing at all. */
  readonly stallMs: number;
}

/** How long the head of a request may be. */
export interface HeadLimitsPlan {
  readonly startLineBytes: number;
  readonly headBytes: number;
  readonly fields: number;
}

/** The same for the requests of a route; null is what the listener lets in. */
export type RouteLimitsPlan = { readonly [Key in keyof HeadLimitsPlan]: HeadLimitsPlan[Key] | null };

/** Who begins a connection by saying whom he speaks for. */
export interface ProxyProtocolPlan {
  readonly from: readonly Prefix[];
  /** How long that may take. */
  readonly timeoutMs: number;
}

/** How a listener speaks TLS. What stands in the files goes beside the plan, which may be shown. */
export interface TlsListenerPlan {
  /** Paths of PEM files; the first pair is for clients that name no host, or one that none is for. */
  readonly certificates: readonly { readonly certificate: string; readonly key: string }[];
  readonly minVersion: "1.2" | "1.3";
  /** As OpenSSL lists them, for TLS 1.2; null takes the runtime's. */
  readonly ciphers: string | null;
  /** Whether clients have to show a certificate, and who signs it; null asks for none. */
  readonly clients: { readonly ca: string; readonly mode: "require" | "optional" } | null;
}

/** A group of HTTP servers. */
export interface UpstreamPlan extends UpstreamPolicy {
  readonly name: string;
  readonly servers: readonly UpstreamServerPlan[];
  /** Further servers, whose addresses are looked up. */
  readonly named: readonly NamedServers[];
  /** Whether its servers are spoken to in HTTP/2: by ALPN under TLS, else with prior knowledge. */
  readonly http2: boolean;
  /** The header that tells a server who the client is; connections are not shared by clients then. Null sends none. */
  readonly proxyProtocol: "v1" | "v2" | null;
  /** Idle connections kept to each server by each process. */
  readonly keepAliveConnections: number;
  readonly keepAliveIdleMs: number;
  /** Requests that one connection carries; null is any number. */
  readonly keepAliveRequests: number | null;
  /** How old a connection may be that takes another request; null is any age. */
  readonly keepAliveAgeMs: number | null;
  /** Null speaks in clear text. */
  readonly tls: UpstreamTlsPlan | null;
}

/** How the servers of an upstream are spoken to under TLS. What stands in the files goes beside the plan. */
export interface UpstreamTlsPlan {
  /** Whether a server's certificate has to be right: of a known authority, in time, and for the name. */
  readonly verifies: boolean;
  /** PEM file of authorities; null takes those that the host trusts. */
  readonly ca: string | null;
  /** Named in the handshake, and what the certificate has to be for; null is the server's name or, without one, its address, which is not named. */
  readonly serverName: string | null;
  /** Shown to servers that ask for a certificate: paths of PEM files. */
  readonly identity: { readonly certificate: string; readonly key: string } | null;
}

/** A server of an upstream. */
export interface UpstreamServerPlan extends ServicePlanServer {
  /** Used only while no other server is up. */
  readonly isBackup: boolean;
  /** Requests and WebSockets at a time; 0 is no limit. */
  readonly mostConnections: number;
  /** The name it was found by, which its certificate has to be for; null is a server that is written by its address. */
  readonly name: string | null;
}

/** Where lines of an access log go, and what stands in them. */
export interface AccessLogPlan {
  readonly to: LogTargetPlan;
  /** `main`, `combined`, `json` or a format with variables. */
  readonly format: string;
  /** Null is what suits the format. */
  readonly escape: LogEscape | null;
}

/** Where lines of an access log go. */
export type LogTargetPlan =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "stdout" }
  | { readonly kind: "syslog"; readonly endpoint: Endpoint; readonly tag: string }
  /** A datagram socket of this host. */
  | { readonly kind: "local-syslog"; readonly path: string; readonly tag: string };

/** What names requests are given. */
export interface RequestIdsPlan {
  /** X-Request-ID */
  readonly requestId: boolean;
  /** traceparent (W3C Trace Context) */
  readonly trace: boolean;
}

/** A group of host names with its routes. */
export interface SitePlan {
  /** Lower case; `*.example` matches one or more labels, `*` everything else. */
  readonly hosts: readonly string[];
  /** Names of listeners. */
  readonly listeners: readonly string[];
  readonly accessLog: AccessLogPlan | null;
  /** By what names requests are known to servers; null leaves that to clients. */
  readonly ids: RequestIdsPlan | null;
  /** For answers that belong to no route; null is the usual texts. */
  readonly errorPages: ErrorPagesPlan | null;
  readonly responseHeaders: HeaderRulesPlan;
  readonly compression: CompressionPlan | null;
  readonly policy: SitePolicyPlan;
  readonly routes: readonly RoutePlan[];
}

/** What happens with requests below a path. */
export interface RoutePlan {
  /** As `routing.pathKind` says; a prefix is on segment borders when it does not end in `/`. */
  readonly path: string;
  /** Null where an answer is given without a server. */
  readonly upstream: string | null;
  /** When requests go to another server; null is what the upstream says. */
  readonly retries: RetryRules | null;
  readonly connectTimeoutMs: number;
  readonly sendTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly maxBodyBytes: number;
  /** How long heads may be that the listener has let in; null as long as they like. */
  readonly headLimits: RouteLimitsPlan | null;
  readonly responseHeaders: HeaderRulesPlan;
  /** Null is the site's, "off" is none. */
  readonly accessLog: AccessLogPlan | "off" | null;
  readonly content: ContentPlan;
  readonly admission: AdmissionPlan;
  readonly routing: RoutingPlan;
}

/** Changes to the fields of a response: remove, then set, then add. */
export interface HeaderRulesPlan {
  readonly remove: readonly string[];
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
}
