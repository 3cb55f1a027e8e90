import { askAdmin } from "../admin/client.ts";
import { errorText } from "../base/system-error.ts";
import { parseDuration } from "../config/units.ts";
import type { DrainOrder, DrainReport } from "../ipc/drain.ts";
import type { NodeStatus } from "../ipc/status.ts";
import { describeDrain } from "./drain-text.ts";

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
    const status = (await askAdmin(socket, "GET", "/status")) as NodeStatus;
    const { text, isOver } = describeDrain(servers, status);
    if (text !== said) say(text);
    if (isOver) return;
    said = text;
    await Bun.sleep(lookIntervalMs);
  }
}
