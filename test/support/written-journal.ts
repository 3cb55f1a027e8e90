import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "./lab.ts";

/** Writes the journal that elections of this boot would have left on a host, and gives its path. */
export async function writeJournal(
  host: Host,
  directory: string,
  entries: readonly string[],
): Promise<string> {
  const { stdout } = await host.run(["readlink", "/proc/self/ns/net"]);
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `vrrp-${stdout.replaceAll(/\D/g, "")}.json`);
  writeFileSync(path, JSON.stringify({ boot, entries }));
  return path;
}
