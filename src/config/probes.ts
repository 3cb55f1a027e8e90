import { unreachable } from "../base/assert.ts";
import { remembered } from "../base/remembered.ts";
import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { Check, CheckTiming, ProbePlan, ProbeSetPlan } from "./check-plan.ts";
import { agentWords } from "./checks/agent.ts";
import { dnsWords } from "./checks/dns.ts";
import { fileWords } from "./checks/file.ts";
import { grpcWords } from "./checks/grpc.ts";
import { httpWords } from "./checks/http.ts";
import { scriptWords } from "./checks/script.ts";
import { smtpWords } from "./checks/smtp.ts";
import { udpWords } from "./checks/udp.ts";
import type { CheckConfig, ServerConfig } from "./config.ts";
import type { ServicePlanServer } from "./node-plan.ts";
import { checkDefaults } from "./schema/check.ts";
import { formatDuration } from "./units.ts";

/** Gives the probe that a check of a server is. */
export function probeOf(server: Endpoint, wanted: CheckConfig, vip: string | null = null): ProbePlan {
  const { address, port, source, proxyProtocol, via: _, ...rest } = wanted;
  // Of an address there is one ping, whatever its ports.
  const ownPort = wanted.kind === "ping" ? 0 : (port ?? server.port);
  const target = { address: address ?? server.address, port: ownPort };
  // `withOwnSources` has chosen among several.
  const check = {
    ...rest,
    source: typeof source === "string" ? source : null,
    proxyProtocol: proxyProtocol === "off" ? null : proxyProtocol,
  };
  return { ...check, target, vip, id: probeId(check, target, vip) };
}

/** Gives the probes that the checks of a server are: one that goes by the VIP is one for each of them. */
function probesFor(server: ServerConfig): readonly ProbePlan[] {
  return server.checks.flatMap((check) =>
    check.via === null ? [probeOf(server, check)] : server.vips.map((vip) => probeOf(server, check, vip)),
  );
}

/**
 * Writes a check as a readable identity such as `http 192.0.2.8:80 GET / every 3s`: everything that differs from the
 * defaults is in it, so equal identities are equal probes, and it stays the same over a reload that does not change them.
 */
function probeId(check: CheckTiming & Check, target: Endpoint, vip: string | null): string {
  const way = vip === null ? [] : [`for ${vip}`];
  return [...subjectWords(check, target), ...way, ...timingWords(check)].join(" ");
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
  if (check.proxyProtocol !== null) words.push(`PROXY ${check.proxyProtocol}`);
  return words;
}

/** Gives a server as the plan has it: with the identity of its probe, or of the set of its probes. */
export function plannedServer(server: ServerConfig): ServicePlanServer {
  const { address, port, weight } = server;
  return { address, port, weight, probe: checksOf(server).id };
}

/** How a server is checked. */
interface ServerChecks {
  readonly probes: readonly ProbePlan[];
  /** The identity of its only probe, or of the set; null is a server that nothing checks. */
  readonly id: string | null;
  /** A single probe needs no set around it. */
  readonly set: ProbeSetPlan | null;
}

const noChecks: ServerChecks = { probes: [], id: null, set: null };

function checksOf(server: ServerConfig): ServerChecks {
  return server.checks.length === 0 ? noChecks : rememberedChecks(server);
}

/** Worked out once for each server: several parts of a plan ask, and the next plan does for those that stayed. */
const rememberedChecks = remembered((server: ServerConfig): ServerChecks => {
  const probes = probesFor(server);
  const ids = [...new Set(probes.map(({ id }) => id))];
  if (ids.length === 0) return noChecks;
  const id = ids.join(" and ");
  return { probes, id, set: ids.length > 1 ? { id, probes: ids } : null };
});

/** Gives every probe of these servers once. */
export function probesOf(servers: readonly ServerConfig[]): readonly ProbePlan[] {
  const probes = new Map<string, ProbePlan>();
  for (const server of servers) for (const probe of checksOf(server).probes) probes.set(probe.id, probe);
  return [...probes.values()];
}

/** Gives every set of several probes that decides about one of these servers, once. */
export function probeSetsOf(servers: readonly ServerConfig[]): readonly ProbeSetPlan[] {
  const sets = new Map<string, ProbeSetPlan>();
  for (const server of servers) {
    const { set } = checksOf(server);
    if (set !== null) sets.set(set.id, set);
  }
  return [...sets.values()];
}
