import { knownUser } from "../base/known-users.ts";
import { runProgram } from "../base/program.ts";
import type { ProbeTiming, ScriptCheck } from "../config/check-plan.ts";
import type { Achievement } from "./achievement.ts";
import type { Deadline } from "./deadline.ts";

/**
 * Runs a program that is told the server in its environment: exit status 0 is well; where it sets the weight, 2 to 255 are
 * too, with a weight two less (keepalived's MISC_CHECK). A failure is thrown.
 */
export async function probeScript(
  probe: ProbeTiming & ScriptCheck,
  deadline: Deadline,
): Promise<Achievement> {
  const run = new AbortController();
  deadline.onOver(() => run.abort());
  const { exitStatus, text } = await runProgram({
    command: probe.command,
    // The attempt's own deadline comes first: it is what ends a run.
    timeoutMs: probe.timeoutMs + graceMs,
    user: knownUser(probe.user),
    environment: { EDGE_HA_ADDRESS: probe.target.address, EDGE_HA_PORT: String(probe.target.port) },
    signal: run.signal,
  });
  if (exitStatus === 0) return { text, weight: null };
  if (!probe.setsWeight || exitStatus === null || exitStatus < 2) throw new Error(text);
  return { text, weight: { kind: "fixed", weight: exitStatus - 2 } };
}

const graceMs = 1_000;
