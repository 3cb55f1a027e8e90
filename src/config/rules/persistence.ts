import type { Family } from "../../base/address.ts";
import { errorAt, type Finding } from "../finding.ts";
import type { ServiceEntry } from "../schema/service.ts";
import type { Element } from "../sections.ts";
import { formatDuration } from "../units.ts";

/** What the kernel, and a relay as it does, can make of persistence. `families` are those of the service's addresses; none for a mark. */
export function persistenceRules(
  { value, path }: Element<ServiceEntry>,
  families: ReadonlySet<Family>,
): readonly Finding[] {
  const { persistence, persistence_mask: mask, persistence_engine: engine, protocol } = value;
  const findings: Finding[] = [];
  const refuse = (key: string, what: string, remedy: string): void => {
    findings.push(errorAt([...path, key], what, remedy));
  };
  if (persistence % 1000 !== 0) {
    const rounded = Math.ceil(persistence / 1000);
    const what = `persistence is counted in whole seconds, and ${formatDuration(persistence)} is none`;
    refuse("persistence", what, `write "${rounded}s"`);
  }
  const needsPersistence = "means nothing without persistence";
  if (mask !== null && persistence === 0) {
    refuse("persistence_mask", needsPersistence, 'write persistence = "5m" too, or remove it');
  }
  if (mask !== null && families.has(6) && mask.ipv6 === null && mask.ipv4 !== null && !families.has(4)) {
    const what = "that is a mask for IPv4, and the service has IPv6 addresses";
    refuse("persistence_mask", what, "write persistence_mask = 64, as a number of bits");
  }
  if (mask !== null && families.has(4) && mask.ipv4 === null && !families.has(6)) {
    const what = `a prefix of ${mask.ipv6} bits is for IPv6, and the service has IPv4 addresses`;
    refuse("persistence_mask", what, "write persistence_mask = 24");
  }
  if (mask !== null && families.size === 2 && (mask.ipv4 === null || mask.ipv4 === mask.ipv6)) {
    const what = "one number of bits cannot be right for IPv4 and IPv6 addresses";
    refuse("persistence_mask", what, "write persistence_mask = { ipv4 = 24, ipv6 = 64 }");
  }
  if (engine !== null && persistence === 0) {
    refuse("persistence_engine", needsPersistence, 'write persistence = "5m" too, or remove it');
  }
  if (engine !== null && protocol !== "udp") {
    const what = `SIP's Call-ID is found in UDP only, and this is ${protocol}`;
    refuse("persistence_engine", what, 'remove it, or write protocol = "udp"');
  }
  return findings;
}
