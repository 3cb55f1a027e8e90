import type { BfdSessionPlan } from "./bfd-plan.ts";
import type { VrrpInstancePlan } from "./node-plan.ts";
import { formatDuration } from "./units.ts";

/** Says in words whom a node watches by BFD. */

/** Writes a session as a line. */
export function bfdLine(session: BfdSessionPlan): string {
  const { name, interface: on, peer, source, intervalMs, minReceiveMs, multiplier } = session;
  const from = source === null ? "" : ` from ${source}`;
  const receive =
    minReceiveMs === intervalMs ? "" : `, receives every ${formatDuration(minReceiveMs)} at most`;
  return `${name}: ${peer} on ${on}${from}, ${multiplier} × ${formatDuration(intervalMs)}${receive}`;
}

/** Says which sessions are an instance's death detectors. */
export function bfdNotes({ rivals }: Pick<VrrpInstancePlan, "rivals">): readonly string[] {
  if (rivals.length === 0) return [];
  return [`follows ${rivals.flatMap(({ sessions }) => sessions).join(", ")} by BFD`];
}
