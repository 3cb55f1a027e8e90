import { errorAt, warningAt, type Finding } from "../finding.ts";
import { mayHaveSeveral } from "./named-servers.ts";
import type { UpstreamEntry } from "../schema/upstream.ts";
import type { Element } from "../sections.ts";

/** How an upstream chooses servers can contradict itself. */
export function balanceFindings({ value, path }: Element<UpstreamEntry>): readonly Finding[] {
  const { balance, hash, hash_bound: bound, sticky } = value;
  const findings: Finding[] = [];
  const isHashed = balance === "consistent-hash";
  if (isHashed && hash === null) {
    const what = '"consistent-hash" has nothing to hash';
    const remedy = 'write hash = "uri" or another part of requests, or balance = "source-hash"';
    findings.push(errorAt([...path, "balance"], what, remedy));
  }
  if (!isHashed && hash !== null) {
    const what = `balance = "${balance}" hashes nothing of the request`;
    findings.push(errorAt([...path, "hash"], what, 'write balance = "consistent-hash", or remove it'));
  }
  if (!isHashed && bound !== null) {
    const what = 'only balance = "consistent-hash" has a bound';
    findings.push(errorAt([...path, "hash_bound"], what, "remove it"));
  }
  if (sticky !== null && !mayHaveSeveral(value)) {
    const what = "there is only one server to stay with";
    findings.push(warningAt([...path, "sticky"], what, "remove it, or add a server"));
  }
  return findings;
}
