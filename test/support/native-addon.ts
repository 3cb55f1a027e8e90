import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** The repository's root. */
export const root: string = join(import.meta.dir, "../..");

const output = join(root, "native/build/edge_ha.node");

/** Builds the native addon if it is missing or older than its source. */
export function buildAddon(): void {
  const built = statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(join(root, "native")).filter((name) => /\.[ch]$/.test(name));
  if (sources.every((name) => statSync(join(root, "native", name)).mtimeMs < built)) return;
  const { exitCode, stderr } = Bun.spawnSync([join(root, "scripts/build-native")]);
  if (exitCode !== 0) throw new Error(`scripts/build-native failed:\n${stderr.toString()}`);
}
