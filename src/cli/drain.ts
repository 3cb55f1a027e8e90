import { askAdmin } from "../admin/client.ts";
import { formatEndpoint } from "../base/address.ts";
import { errorText } from "../base/system-error.ts";
import { parseDuration } from "../config/units.ts";
import { concerns, parseDrainTarget } from "../ipc/drain-target.ts";
import type { DrainOrder, DrainReport } from "../ipc/drain.ts";
import type { NodeStatus, ServiceStatus } from "../ipc/status.ts";

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

/** A server that is being drained, as `status` shows it. */
interface Draining {
  readonly name: string;
  readonly isDone: boolean;
  readonly connections: number;
}

async function untilDrained({ socket, servers }: DrainOptions, say: (line: string) => void): Promise<void> {
  let said = "";
  for (;;) {
    const status = (await askAdmin(socket, "GET", "/status")) as NodeStatus;
    const left = servers.flatMap((name) => drainingOf(name, status.services)).filter(({ isDone }) => !isDone);
    if (left.length === 0) {
      say("no connection is left");
      return;
    }
    const line = left.map(({ name, connections }) => `${name}: ${connections} connections left`).join("\n");
    if (line !== said) say(line);
    said = line;
    await Bun.sleep(lookIntervalMs);
  }
}

function drainingOf(text: string, services: readonly ServiceStatus[]): readonly Draining[] {
  const target = parseDrainTarget(text);
  if (target === null) return [];
  return services.flatMap((service) =>
    service.servers
      .filter((server) => concerns(target, service, server))
      .map((server) => ({
        name: `${service.name}/${formatEndpoint(server)}`,
        isDone: server.drain !== "draining",
        connections: server.activeConnections + server.persistentConnections,
      })),
  );
}
