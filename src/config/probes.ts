import { unreachable } from "../base/assert.ts";
import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { Check, CheckTiming, ProbePlan } from "./check-plan.ts";
import { agentWords } from "./checks/agent.ts";
import { dnsWords } from "./checks/dns.ts";
import { fileWords } from "./checks/file.ts";
import { grpcWords } from "./checks/grpc.ts";
import { httpWords } from "./checks/http.ts";
import { scriptWords } from "./checks/script.ts";
import { smtpWords } from "./checks/smtp.ts";
import { udpWords } from "./checks/udp.ts";
import type { ServerConfig } from "./config.ts";
import type { ServicePlanServer } from "./node-plan.ts";
import { checkDefaults } from "./schema/check.ts";
import { formatDuration } from "./units.ts";

/** Gives the probe of a server, or null if nothing checks it. */
export function probeOf(server: ServerConfig): ProbePlan | null {
  if (server.check === null) return null;
  const { address, port, source, ...rest } = server.check;
  // Of an address there is one ping, whatever its ports.
  const ownPort = server.check.kind === "ping" ? 0 : (port ?? server.port);
  const target = { address: address ?? server.address, port: ownPort };
  // `withOwnSources` has chosen among several.
  const check = { ...rest, source: typeof source === "string" ? source : null };
  return { ...check, target, id: probeId(check, target) };
}

/**
 * Writes a check as a readable identity such as `http 192.0.2.8:80 GET / every 3s`: everything that differs from the
 * defaults is in it, so equal identities are equal probes, and it stays the same over a reload that does not change them.
 */
function probeId(check: CheckTiming & Check, target: Endpoint): string {
  return [...subjectWords(check, target), ...timingWords(check)].join(" ");
}

function subjectWords(check: Check, target: Endpoint): readonly string[] {
  const where = formatEndpoint(target);
  switch (check.kind) {
    case "tcp":
      return [`tcp ${where}`];
    case "http":
      return [`${check.tls === null ? "http" : "https"} ${where}`, ...httpWords(check)];
    case "udp":
      return [`udp ${where}`, ...udpWords(check)];
    case "dns":
      return [`dns ${where}`, ...dnsWords(check)];
    case "smtp":
      return [`smtp ${where}`, ...smtpWords(check)];
    case "ping":
      return [`ping ${target.address}`];
    case "grpc":
      return [`grpc ${where}`, ...grpcWords(check)];
    case "script":
      return [`script ${where}`, ...scriptWords(check)];
    case "file":
      return [`file ${where}`, ...fileWords(check)];
    case "agent":
      return [`agent ${where}`, ...agentWords(check)];
    default:
      return unreachable(check);
  }
}

function timingWords(check: CheckTiming): readonly string[] {
  const words = [`every ${formatDuration(check.intervalMs)}`];
  if (check.fastIntervalMs !== null) words.push(`fast ${formatDuration(check.fastIntervalMs)}`);
  if (check.jitterMs !== null) words.push(`jitter ${formatDuration(check.jitterMs)}`);
  if (check.timeoutMs !== checkDefaults.timeoutMs) words.push(`timeout ${formatDuration(check.timeoutMs)}`);
  if (check.retries !== checkDefaults.retries) words.push(`retries ${check.retries}`);
  if (check.retryDelayMs !== checkDefaults.retryDelayMs)
    words.push(`delay ${formatDuration(check.retryDelayMs)}`);
  if (check.rise !== checkDefaults.rise) words.push(`rise ${check.rise}`);
  if (check.fall !== checkDefaults.fall) words.push(`fall ${check.fall}`);
  if (check.source !== null) words.push(`from ${check.source}`);
  if (check.mark !== null) words.push(`mark ${check.mark}`);
  return words;
}

/** Gives a server as the plan has it: with the identity of its probe. */
export function plannedServer(server: ServerConfig): ServicePlanServer {
  const { address, port, weight } = server;
  return { address, port, weight, probe: probeOf(server)?.id ?? null };
}

/** Gives every probe of these servers once. */
export function probesOf(servers: readonly ServerConfig[]): readonly ProbePlan[] {
  const probes = new Map<string, ProbePlan>();
  for (const server of servers) {
    const probe = probeOf(server);
    if (probe !== null) probes.set(probe.id, probe);
  }
  return [...probes.values()];
}
