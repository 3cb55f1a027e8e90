import { formatEndpoint } from "../base/address.ts";
import { formatTable } from "../base/table.ts";
import type { ProxiedServerStatus, ProxiedStatus } from "../ipc/status.ts";
import { shortNumber } from "./service-tables.ts";

/** What the proxies balance, for a person to read: how servers stand, and what has passed to them. PURE. */

/** Writes relays and upstreams with their servers. */
export function describeProxied(groups: readonly ProxiedStatus[]): string {
  const isLimited = groups.some(({ servers }) => servers.some(isServerLimited));
  const header = ["PROXIED", "ADDRESS", "WAY", "WEIGHT", "STATE", "OPEN", "IDLE", "TOTAL", "FAILED"];
  header.push("BYTES IN", "OUT");
  if (isLimited) header.push("LIMITS");
  const rows = groups.flatMap((group) => [
    [group.group, group.sockets.join(" "), scheduling(group), "", groupState(group)],
    ...group.servers.map((server) => {
      const { traffic } = server;
      const cells = ["", `  ${formatEndpoint(server)}`, "", `${server.weight}`, serverState(server)];
      const { open, idle, total, failed, inBytes, outBytes } = traffic ?? nothing;
      cells.push(...[open, idle, total, failed].map(String), shortNumber(inBytes), shortNumber(outBytes));
      if (isLimited)
        cells.push(isServerLimited(server) ? `${server.lowerThreshold}–${server.upperThreshold}` : "");
      return cells;
    }),
  ]);
  return formatTable(header, rows);
}

const nothing = { open: 0, idle: 0, total: 0, failed: 0, inBytes: 0, outBytes: 0, ejected: null } as const;

function scheduling({ kind, scheduler, persistenceS }: ProxiedStatus): string {
  const words = [kind === "relay" ? `proxy ${scheduler}` : `http ${scheduler}`];
  if (persistenceS > 0) words.push(`persistent ${persistenceS}s`);
  return words.join(" ");
}

function groupState({ usesSorry, sorry, hasQuorum }: ProxiedStatus): string {
  if (usesSorry) return `sorry server ${sorry}`;
  return hasQuorum ? "" : "down";
}

function serverState({ drain, isHeld, isUp, traffic }: ProxiedServerStatus): string {
  if (drain !== null) return drain;
  const ejected = traffic?.ejected ?? null;
  if (isUp && ejected !== null) return `ejected (${ejected})`;
  if (isHeld) return "held out";
  return isUp ? "up" : "down";
}

function isServerLimited({ upperThreshold, lowerThreshold }: ProxiedServerStatus): boolean {
  return upperThreshold > 0 || lowerThreshold > 0;
}
