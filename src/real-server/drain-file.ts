import { readFileSync, rmSync } from "node:fs";
import { replaceFile } from "../base/replace-file.ts";
import { hasCode } from "../base/system-error.ts";
import type { DrainWord } from "./agent-line.ts";

/**
 * That a web server is to be drained stands in a file beside the state file, so that it outlives the service and a
 * reboot: who drains a machine to repair it does not want connections back because it started again.
 */

/** Gives where the file is that belongs to a state file. */
export function drainPath(statePath: string): string {
  return `${statePath.replace(/\.json$/, "")}.drain`;
}

/** Reads what the operator has said; null is in service. */
export function readDrain(path: string): DrainWord | null {
  try {
    return readFileSync(path, "utf8").trim() === "maint" ? "maint" : "drain";
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}

/** Writes it down; null removes the file. */
export function writeDrain(path: string, word: DrainWord | null): void {
  if (word === null) return rmSync(path, { force: true });
  replaceFile(path, `${word}\n`, { isDurable: true });
}
