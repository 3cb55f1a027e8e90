import { errorAt, warningAt, type Finding } from "../finding.ts";
import { mayHaveSeveral } from "./named-servers.ts";
import type { UpstreamEntry } from "../schema/upstream.ts";
import type { Element } from "../sections.ts";

/** What an upstream does with servers that are full, fail or come back can contradict itself. */
export function upstreamLimitFindings({ value, path }: Element<UpstreamEntry>): readonly Finding[] {
  const { ejection, max_connections: most, queue, servers } = value;
  const findings: Finding[] = [];
  if (queue !== null && most === 0 && servers.every(({ max_connections: own }) => (own ?? 0) === 0)) {
    const what = "no server is ever full: nobody waits";
    findings.push(errorAt([...path, "queue"], what, "write max_connections = 100 too, or remove it"));
  }
  if (ejection !== null && !mayHaveSeveral(value)) {
    const what = "there is only one server, and the last one is never ejected";
    findings.push(warningAt([...path, "ejection"], what, "remove it, or add a server"));
  }
  return [...findings, ...hedgeFindings({ value, path }), ...slowStartFindings({ value, path })];
}

function hedgeFindings({ value, path }: Element<UpstreamEntry>): readonly Finding[] {
  const { budget, hedge, tries } = value.retries;
  if (hedge === null) return [];
  const at = [...path, "retries", "hedge"];
  const warn = (what: string, cure: string): Finding[] => [warningAt(at, what, cure)];
  if (!mayHaveSeveral(value)) return warn("there is only one server", "remove it, or add a server");
  if (tries === 1) return warn("tries = 1 asks no second server", "write tries = 2, or remove one of both");
  if (budget === 0) return warn('a budget of "0%" pays for none', 'write budget = "20%", or remove hedge');
  return [];
}

function slowStartFindings({ value, path }: Element<UpstreamEntry>): readonly Finding[] {
  const slow = value.servers.filter(({ slow_start: own }) => (own ?? value.slow_start) > 0);
  if (slow.length === 0) return [];
  if (value.check === null && slow.every(({ check }) => check === null)) {
    const what = "no server that starts slowly is checked: none ever comes back";
    return [warningAt([...path, "slow_start"], what, 'write check = { type = "tcp" }, or remove it')];
  }
  const small = slow.find(({ weight }) => weight > 0 && weight < 10);
  if (small === undefined) return [];
  const what = `a weight of ${small.weight} grows in steps that are too large to start slowly`;
  return [warningAt([...path, "slow_start"], what, "multiply all weights of the upstream, such as by 100")];
}
