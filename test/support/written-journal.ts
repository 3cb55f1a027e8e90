import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ruleNote } from "../../src/kernel/journal-notes.ts";
import type { JournalOwner } from "../../src/kernel/journal.ts";
import type { Host } from "./lab.ts";

/** Writes the journal that elections of this boot, or another owner, would have left on a host, and gives its path. */
export async function writeJournal(
  host: Host,
  directory: string,
  entries: readonly string[],
  owner: JournalOwner = "vrrp",
): Promise<string> {
  const { stdout } = await host.run(["readlink", "/proc/self/ns/net"]);
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${owner}-${stdout.replaceAll(/\D/g, "")}.json`);
  writeFileSync(path, JSON.stringify({ boot, entries }));
  return path;
}

/** Gives what the journal calls the rule `from 192.0.2.100 lookup 100` of a priority. */
export function noteOfRule(priority: number): string {
  return ruleNote({
    family: 4,
    priority,
    from: { address: "192.0.2.100", length: 32 },
    to: null,
    inputLink: null,
    outputLink: null,
    mark: null,
    table: 100,
    action: 1,
    protocol: 0x45,
  });
}
