import { readFileSync } from "node:fs";
import { errorText, hasCode } from "../base/system-error.ts";
import { parseDuration } from "../config/units.ts";
import type { DrainWord } from "../real-server/agent-line.ts";
import { connectionsTo } from "../real-server/connections.ts";
import { drainPath, writeDrain } from "../real-server/drain-file.ts";
import { isServed } from "../real-server/lock.ts";
import { defaultStatePath, readState } from "../real-server/state-file.ts";

/** How `edge-ha rs drain` was called. */
export interface RsDrainOptions {
  readonly undo: boolean;
  /** Take the connections there are away, too. */
  readonly maint: boolean;
  /** From `--wait`, as written, or null. */
  readonly wait: string | null;
  /** State file, or null for the usual one. */
  readonly state: string | null;
}

const lookMs = 250;

/** Has directors send this web server no new connections, or again; gives the exit status. */
export async function runRsDrain(options: RsDrainOptions): Promise<number> {
  const waitMs = options.wait === null ? 0 : parseDuration(options.wait);
  if (waitMs === null)
    return complain(2, `--wait ${options.wait} is no duration; write one such as 60s or 5m`);
  if (options.undo && (options.maint || options.wait !== null)) {
    return complain(2, "--undo goes alone: it puts the server back into service");
  }
  const statePath = options.state ?? defaultStatePath(process.env);
  const word: DrainWord | null = options.undo ? null : options.maint ? "maint" : "drain";
  try {
    writeDrain(drainPath(statePath), word);
    if (!isServed()) {
      const told = word === null ? "in service again" : `out of service (${word})`;
      return complain(
        1,
        `${told} is written down, but \`edge-ha rs serve\` does not run here: no director hears of it`,
      );
    }
    print(
      word === null
        ? "in service again"
        : `out of service (${word}): directors hear of it when they next ask`,
    );
    return waitMs === 0
      ? 0
      : await waitForEnd(readState(statePath)?.vips.map(({ address }) => address) ?? [], waitMs);
  } catch (error) {
    complain(1, errorText(error));
    return hasCode(error, "EACCES", "EPERM") ? complain(1, "this takes root") : 1;
  }
}

async function waitForEnd(vips: readonly string[], waitMs: number): Promise<number> {
  const end = performance.now() + waitMs;
  for (;;) {
    const open = openConnections(vips);
    if (open === 0) {
      print("no connection is open any more");
      return 0;
    }
    if (performance.now() >= end) {
      return complain(1, `${open} ${open === 1 ? "connection is" : "connections are"} still open`);
    }
    await Bun.sleep(lookMs);
  }
}

function openConnections(vips: readonly string[]): number {
  return ["/proc/self/net/tcp", "/proc/self/net/tcp6"].reduce((sum, path) => {
    try {
      return sum + connectionsTo(vips, readFileSync(path, "utf8"));
    } catch (error) {
      // A kernel without IPv6.
      if (hasCode(error, "ENOENT")) return sum;
      throw error;
    }
  }, 0);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(status: number, text: string): number {
  process.stderr.write(`edge-ha rs drain: ${text}\n`);
  return status;
}
