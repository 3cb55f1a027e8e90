import { errorAt, warningAt, type Finding } from "../finding.ts";
import type { ServiceEntry } from "../schema/service.ts";
import type { Element } from "../sections.ts";
import { hasChecks } from "./checks.ts";

/** What makes a service available can contradict itself. */
export function availabilityRules({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  return [...quorumFindings({ value, path }), ...slowStartFindings({ value, path })];
}

function quorumFindings({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  const { hysteresis, servers } = value;
  const quorum = value.quorum ?? 1;
  const whole = servers.reduce((sum, { weight }) => sum + weight, 0);
  const findings: Finding[] = [];
  if (whole > 0 && quorum + hysteresis > whole) {
    const key = value.quorum === null ? "hysteresis" : "quorum";
    const what = `the weights of all servers add up to ${whole}: a quorum of ${quorum + hysteresis} is never reached`;
    findings.push(errorAt([...path, key], what, `write quorum and hysteresis of ${whole} or less together`));
  }
  if (hysteresis >= quorum) {
    const what = `with a quorum of ${quorum} it would never be lost`;
    if (hysteresis > 0) findings.push(errorAt([...path, "hysteresis"], what, `write less than ${quorum}`));
  }
  if (saysAnythingOf(value) && !hasChecks({ value })) {
    const keys = {
      quorum: value.quorum !== null,
      alpha: value.alpha,
      inhibit: value.inhibit,
      slow_start: value.slow_start > 0,
      damping: value.damping !== null,
    };
    for (const [key, isWritten] of Object.entries(keys)) {
      if (!isWritten) continue;
      const what = "no server of the service is checked: none is ever down";
      findings.push(warningAt([...path, key], what, 'write check = { type = "tcp" }, or remove it'));
    }
  }
  if (value.omega && value.quorum_down === null) {
    const what = "there is nothing to run at a stop";
    findings.push(errorAt([...path, "omega"], what, "write quorum_down too, or remove it"));
  }
  for (const key of ["quorum_user", "quorum_timeout"] as const) {
    if (value[key] === null || value.quorum_up !== null || value.quorum_down !== null) continue;
    const what = "there is nothing to run";
    findings.push(errorAt([...path, key], what, "write quorum_up or quorum_down too, or remove it"));
  }
  return findings;
}

/** Whether there is a word on what happens when a server is down: of thousands of services hardly one has any. */
function saysAnythingOf({ quorum, alpha, inhibit, slow_start: slowStart, damping }: ServiceEntry): boolean {
  return quorum !== null || alpha || inhibit || slowStart > 0 || damping !== null;
}

/** Weights are whole numbers: a small one has no room to grow. */
function slowStartFindings({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  const small = value.servers.find(
    ({ weight, slow_start: own }) => (own ?? value.slow_start) > 0 && weight > 0 && weight < 10,
  );
  if (small === undefined) return [];
  const what = `a weight of ${small.weight} grows in steps that are too large to start slowly`;
  return [warningAt([...path, "slow_start"], what, "multiply all weights of the service, such as by 100")];
}
