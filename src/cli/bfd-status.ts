import type { BfdReport, BfdStatus } from "../ipc/status.ts";

/** Writes the BFD sessions of a node for a person to read; null if there is nothing to say. */
export function describeBfd(report: BfdReport, paint: (word: string) => string): string | null {
  const strays = Object.entries(report.strays).map(([cause, count]) => `${count} ${cause}`);
  const lines = [
    ...report.sessions.flatMap((session) => sessionLines(session, paint)),
    ...(strays.length === 0 ? [] : [`packets at BFD's port that belong to no session: ${strays.join(", ")}`]),
  ];
  return lines.length === 0 ? null : lines.join("\n");
}

function sessionLines(session: BfdStatus, paint: (word: string) => string): readonly string[] {
  const { name, state, peer, interface: on, transmitIntervalMs, detectionMs, remote } = session;
  const sends = transmitIntervalMs === null ? "sends nothing" : `sends every ${transmitIntervalMs} ms`;
  const detects = detectionMs === null ? "" : `, silence after ${detectionMs} ms`;
  const says =
    remote === null
      ? []
      : [
          `  the peer is ${remote.state} (${remote.diagnostic}), ${remote.multiplier} × ${remote.transmitIntervalMs} ms`,
        ];
  return [
    `bfd ${name}  ${paint(state)}  ${peer} on ${on}`,
    `  ${sends}${detects}`,
    `  since ${session.since}: ${session.reason}`,
    ...says,
  ];
}
