import type { Endpoint } from "../base/address.ts";
import type { ProxyProtocolVersion } from "../base/proxy-protocol.ts";

/** One check of one server; equal checks are one probe, shared by all that name it. */
export type ProbePlan = ProbeTiming & Check;

/** Several probes of one server, which is up as long as all of them find it so; known by its id as a single probe is. */
export interface ProbeSetPlan {
  readonly id: string;
  readonly probes: readonly string[];
}

/** What is known of a probe whatever it does: when it is made, and how it leaves this host. */
export interface ProbeTiming extends CheckTiming {
  /** Stable identity made of everything that distinguishes the probe, readable in logs. */
  readonly id: string;
  readonly target: Endpoint;
  /** Virtual address that is asked by way of the target, for which its packets carry a mark; null asks the target itself. */
  readonly vip: string | null;
}

/** Checks that go to a virtual address by way of servers. */
export interface DetourPlan {
  readonly vip: string;
  /** Of their packets, and of nobody else's. */
  readonly mark: number;
  /** The servers' own addresses. */
  readonly servers: readonly string[];
}

/** What all kinds of checks have in common. Durations are milliseconds. */
export interface CheckTiming {
  readonly intervalMs: number;
  /** From one attempt to the next while the server is not known to be well; null is `intervalMs`. */
  readonly fastIntervalMs: number | null;
  /** By how much at most an interval is shortened, at random; null is a twentieth of it. */
  readonly jitterMs: number | null;
  /** For the whole attempt. */
  readonly timeoutMs: number;
  /** Further attempts, `retryDelayMs` apart, before an attempt counts as failed. */
  readonly retries: number;
  readonly retryDelayMs: number;
  /** Successes in a row that bring a server back; failures in a row that take it out. */
  readonly rise: number;
  readonly fall: number;
  /** Address that the check comes from; null leaves it to the routes. */
  readonly source: string | null;
  /** Mark of its packets, for the routing policy; null is none. */
  readonly mark: number | null;
  /** PROXY header that its connection begins with; null is none. */
  readonly proxyProtocol: ProxyProtocolVersion | null;
}

/** What a check does; src/config/checks has a file for each kind, and src/health the doing. */
export type Check =
  | TcpCheck
  | HttpCheck
  | UdpCheck
  | DnsCheck
  | SmtpCheck
  | PingCheck
  | GrpcCheck
  | ScriptCheck
  | FileCheck
  | AgentCheck;

/** Connects, and that is all. */
export interface TcpCheck {
  readonly kind: "tcp";
}

/** Sends one request and looks at the answer. */
export interface HttpCheck {
  readonly kind: "http";
  /** Null speaks in clear text. */
  readonly tls: TlsPlan | null;
  readonly method: "GET" | "HEAD" | "OPTIONS";
  readonly path: string;
  /** Value of the Host field; null sends the target's address and port. */
  readonly host: string | null;
  readonly version: "1.0" | "1.1";
  /** Further fields of the request. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Inclusive ranges of statuses that count as healthy. */
  readonly status: readonly StatusRange[];
  /** What the body has to be like, or null. */
  readonly body: BodyTest | null;
}

/** Inclusive range of HTTP statuses. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** What is asked of a body. */
export type BodyTest =
  /** Contains these characters. */
  | { readonly kind: "contains"; readonly text: string }
  /** Has a place that a regular expression fits (src/base/pattern). */
  | { readonly kind: "matches"; readonly pattern: string }
  /** Has this digest, in lower-case hexadecimal digits. */
  | { readonly kind: "digest"; readonly algorithm: "md5" | "sha256"; readonly hex: string };

/** How a server's certificate is asked for and judged. */
export interface TlsPlan {
  /** Name asked for and expected in the certificate; null asks for none and expects the address. */
  readonly serverName: string | null;
  /** File with the authorities to trust; null trusts those of the host. */
  readonly ca: string | null;
  readonly verifies: boolean;
}

/** Sends a packet and waits for a reply, or for the news that nobody listens. */
export interface UdpCheck {
  readonly kind: "udp";
  /** In hexadecimal digits. */
  readonly payload: string;
  /** What the reply begins with, in hexadecimal digits, with `x` for any; null is content without a reply. */
  readonly expect: string | null;
}

/** Asks a name server. */
export interface DnsCheck {
  readonly kind: "dns";
  readonly name: string;
  readonly record: "SOA" | "A" | "AAAA" | "CNAME" | "NS" | "MX" | "TXT" | "SRV" | "PTR";
  /** RFC 1035 §4.1.1. */
  readonly rcode: "NOERROR" | "FORMERR" | "SERVFAIL" | "NXDOMAIN" | "NOTIMP" | "REFUSED";
  /** What one of the answers has to say; null is content with any, or none. */
  readonly answer: string | null;
  readonly protocol: "udp" | "tcp";
  readonly recursion: boolean;
}

/** Greets a mail server and takes its leave. */
export interface SmtpCheck {
  readonly kind: "smtp";
  /** Null is this host's name. */
  readonly helo: string | null;
  /** STARTTLS, or null for none. */
  readonly tls: TlsPlan | null;
}

/** Asks by ICMP echo. */
export interface PingCheck {
  readonly kind: "ping";
}

/** Asks for the health of a service by grpc.health.v1. */
export interface GrpcCheck {
  readonly kind: "grpc";
  /** Empty is the server as a whole. */
  readonly service: string;
  /** The `:authority`; null is the target's address and port. */
  readonly host: string | null;
  readonly tls: TlsPlan | null;
}

/** Runs a program whose exit status is the verdict. */
export interface ScriptCheck {
  readonly kind: "script";
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  /** User to run it as; null is one without privileges (`edge-ha`, or `nobody`). */
  readonly user: string | null;
  /** Whether exit statuses 2 to 255 mean well, with a weight of 0 to 253. */
  readonly setsWeight: boolean;
}

/** Reads a file on this node. */
export interface FileCheck {
  readonly kind: "file";
  readonly path: string;
  /** What a number in it is multiplied by and added to the weight; 0 takes the server out at any number but 0. */
  readonly weight: number;
}

/** Asks an agent on the server how it is and how much it wants. */
export interface AgentCheck {
  readonly kind: "agent";
  /** A line to send first; empty sends nothing. */
  readonly send: string;
}
