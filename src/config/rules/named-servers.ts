import { errorAt, type Finding } from "../finding.ts";
import type { NamedPlace } from "../schema/resolve.ts";
import type { UpstreamEntry } from "../schema/upstream.ts";
import type { Element } from "../sections.ts";

/** Writes a server's name as it stands in the file. */
export function placeText({ name, port }: NamedPlace): string {
  return port === null ? name : `${name}:${port}`;
}

/** Tells whether an upstream can have more than one server: behind a name there may be any number. */
export function mayHaveSeveral({ servers }: Pick<UpstreamEntry, "servers">): boolean {
  return servers.length > 1 || servers.some(({ address }) => "name" in address);
}

/** What is said of servers that go by a name has to be about something. */
export function namedServerFindings({ value, path }: Element<UpstreamEntry>): readonly Finding[] {
  const findings: Finding[] = [];
  if (value.resolve !== null && !value.servers.some(({ address }) => "name" in address)) {
    const what = "no server of the upstream goes by a name";
    findings.push(errorAt([...path, "resolve"], what, 'write address = "app.example:80", or remove it'));
  }
  for (const [index, { address, weight }] of value.servers.entries()) {
    if (!("name" in address) || address.port !== null || weight === 1) continue;
    const what = `the SRV records of ${address.name} say what weight each server has`;
    findings.push(errorAt([...path, "servers", index, "weight"], what, "remove it"));
  }
  return findings;
}
