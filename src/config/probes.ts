import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { CheckConfig, ServerConfig } from "./config.ts";
import type { ProbePlan, ServicePlanServer, StatusRange } from "./node-plan.ts";
import { checkDefaults } from "./schema/check.ts";
import { formatDuration } from "./units.ts";

/** Gives the probe of a server, or null if nothing checks it. */
export function probeOf(server: ServerConfig): ProbePlan | null {
  const { check } = server;
  if (check === null) return null;
  const target = { address: server.address, port: check.port ?? server.port };
  const { intervalMs, timeoutMs, retries, retryDelayMs, rise, fall } = check;
  const timing = {
    id: probeId(check, target),
    target,
    intervalMs,
    timeoutMs,
    retries,
    retryDelayMs,
    rise,
    fall,
  };
  if (check.kind === "tcp") return { kind: "tcp", ...timing };
  const { method, path, host, status } = check;
  return { kind: "http", ...timing, method, path, host, status };
}

/**
 * Writes a check as a readable identity such as `http 192.0.2.8:80 GET / every 3s`: everything that differs from the
 * defaults is in it, so equal identities are equal probes, and it stays the same over a reload that does not change them.
 */
function probeId(check: CheckConfig, target: Endpoint): string {
  const parts = [`${check.kind} ${formatEndpoint(target)}`];
  if (check.kind === "http") {
    parts.push(`${check.method} ${check.path}`);
    if (check.host !== null) parts.push(`host ${check.host}`);
    const status = formatStatus(check.status);
    if (status !== formatStatus(checkDefaults.status)) parts.push(`status ${status}`);
  }
  parts.push(`every ${formatDuration(check.intervalMs)}`);
  if (check.timeoutMs !== checkDefaults.timeoutMs) parts.push(`timeout ${formatDuration(check.timeoutMs)}`);
  if (check.retries !== checkDefaults.retries) parts.push(`retries ${check.retries}`);
  if (check.retryDelayMs !== checkDefaults.retryDelayMs)
    parts.push(`delay ${formatDuration(check.retryDelayMs)}`);
  if (check.rise !== checkDefaults.rise) parts.push(`rise ${check.rise}`);
  if (check.fall !== checkDefaults.fall) parts.push(`fall ${check.fall}`);
  return parts.join(" ");
}

function formatStatus(ranges: readonly StatusRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(",");
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
