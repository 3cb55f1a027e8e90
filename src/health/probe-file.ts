import { closeSync, constants, openSync, readSync } from "node:fs";
import { errorText, hasCode } from "../base/system-error.ts";
import type { FileCheck } from "../config/check-plan.ts";
import type { Achievement } from "./achievement.ts";
import { readStatusWords } from "./status-words.ts";

const mostBytes = 4096;

/** Reads a file on this node: missing or empty is well, a number or an agent's words say more; a failure is thrown. */
export function probeFile(probe: FileCheck): Achievement {
  const text = (contentOf(probe.path) ?? "").split("\n")[0]?.trim() ?? "";
  if (text === "") return { text: "file says nothing", weight: null };
  if (/^[+-]?\d{1,9}$/.test(text)) return numberSays(Number(text), probe.weight);
  const said = readStatusWords(text);
  if (!said.isUp) throw new Error(`file says ${said.text}`);
  return { text: `file says ${said.text}`, weight: said.weight };
}

function numberSays(value: number, weight: number): Achievement {
  if (weight !== 0) return { text: `file says ${value}`, weight: { kind: "offset", by: value * weight } };
  if (value !== 0) throw new Error(`file says ${value}`);
  return { text: "file says 0", weight: null };
}

function contentOf(path: string): string | null {
  let fd: number;
  try {
    // A FIFO without a writer must not hold the process up.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw new Error(`file cannot be read: ${errorText(error)}`, { cause: error });
  }
  try {
    const bytes = Buffer.alloc(mostBytes);
    return bytes.toString("utf8", 0, readSync(fd, bytes, 0, mostBytes, 0));
  } catch (error) {
    throw new Error(`file cannot be read: ${errorText(error)}`, { cause: error });
  } finally {
    closeSync(fd);
  }
}
