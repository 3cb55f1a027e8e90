import { formatTable } from "../base/table.ts";
import { formatDuration } from "../config/units.ts";
import type { NameStatus } from "../ipc/status.ts";

/** So many addresses are shown; the others stand with the servers. */
const mostShown = 4;

/** Writes what names of servers stand for, for a person to read. PURE. */
export function describeNames(names: readonly NameStatus[]): string {
  return formatTable(
    ["NAME", "OF", "SERVERS", "AGAIN IN", "STATE"],
    names.map((name) => [name.name, name.upstream, serversText(name), againText(name), stateText(name)]),
  );
}

function serversText({ servers }: NameStatus): string {
  const more = servers.length - mostShown;
  const shown = servers.slice(0, mostShown).join(" ");
  return more > 0 ? `${shown} and ${more} more` : shown || "none";
}

function againText({ ttlS }: NameStatus): string {
  return ttlS === null || ttlS === 0 ? "" : formatDuration(ttlS * 1000);
}

function stateText({ complaint, isKnown, leftOut }: NameStatus): string {
  const left = leftOut === 0 ? "" : `, ${leftOut} left out`;
  if (complaint === null) return isKnown ? `found${left}` : "being looked up";
  return isKnown ? `as it was${left}: ${complaint}` : complaint;
}
