import { askAdmin } from "../admin/client.ts";
import { formatEndpoint } from "../base/address.ts";
import { errorText } from "../base/system-error.ts";
import { counted } from "../config/describe-plan.ts";
import { parseDuration } from "../config/units.ts";
import { concerns, parseDrainTarget } from "../ipc/drain-target.ts";
import type { DrainOrder, DrainReport } from "../ipc/drain.ts";
import type { NodeStatus, ServerStatus, ServiceStatus } from "../ipc/status.ts";

/** How `edge-ha drain` and `edge-ha enable` were called. */
export interface DrainOptions {
  readonly socket: string;
  readonly servers: readonly string[];
  readonly isBack: boolean;
  /** How long open connections may go on, as written. */
  readonly within: string;
  /** Whether the command waits until they have ended. */
  readonly wait: boolean;
  readonly json: boolean;
}

const lookIntervalMs = 500;

/** Takes servers out of their services, or puts them back; 0 done, 1 not, 2 wrong command line. */
export async function runDrain(options: DrainOptions): Promise<number> {
  const { socket, servers, isBack, within, wait, json } = options;
  const word = isBack ? "enable" : "drain";
  const withinMs = parseDuration(within);
  if (withinMs === null) {
    process.stderr.write(`edge-ha ${word}: "${within}" is no duration; write --within 5m\n`);
    return 2;
  }
  const order: DrainOrder = { servers, isBack, withinMs };
  try {
    // The service on the other end is this very version's `serveAdmin`.
    const report = (await askAdmin(socket, "POST", "/drain", order)) as DrainReport;
    if (report.refusal !== null) {
      process.stderr.write(`${report.refusal}\n`);
      return 1;
    }
    const say = (line: string): void => void (json || process.stdout.write(`${line}\n`));
    for (const { name, text } of report.outcomes) say(`${name}: ${text}`);
    if (!isBack && wait) await untilDrained(options, say);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    return 1;
  }
}

async function untilDrained({ socket, servers }: DrainOptions, say: (line: string) => void): Promise<void> {
  let said = "";
  for (;;) {
    const { services } = (await askAdmin(socket, "GET", "/status")) as NodeStatus;
    const { text, isOver } = describeDrain(servers, services);
    if (text !== said) say(text);
    if (isOver) return;
    said = text;
    await Bun.sleep(lookIntervalMs);
  }
}

/** Says how far the drains of these servers are, as the service shows them. PURE. */
export function describeDrain(
  servers: readonly string[],
  services: readonly ServiceStatus[],
): { readonly text: string; readonly isOver: boolean } {
  const all = services.flatMap((service) =>
    service.servers
      .filter((server) => servers.some((name) => isNamed(name, service, server)))
      .map((server) => ({ name: `${service.name}/${formatEndpoint(server)}`, server })),
  );
  const open = all.filter(({ server }) => server.drain === "draining");
  if (open.length > 0) {
    const lines = open.map(({ name, server }) => {
      const { activeConnections, persistentConnections } = server;
      return `${name}: ${counted(activeConnections + persistentConnections, "connection")} left`;
    });
    return { text: lines.join("\n"), isOver: false };
  }
  const lines = all.flatMap(({ name, server: { drain, cutConnections } }) => {
    if (drain === null) return [`${name}: was put back meanwhile`];
    if (cutConnections === 0) return [];
    return [`${name}: taken out with ${counted(cutConnections, "connection")} still open`];
  });
  return { text: lines.length === 0 ? "no connection is left" : lines.join("\n"), isOver: true };
}

function isNamed(name: string, service: ServiceStatus, server: ServerStatus): boolean {
  const target = parseDrainTarget(name);
  return target !== null && concerns(target, service, server);
}
