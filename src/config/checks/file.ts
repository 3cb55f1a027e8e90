import type { FileCheck } from "../check-plan.ts";
import { filePath, integer, orElse } from "../schema/fields.ts";
import type { Keys } from "./keys.ts";

/** `check = { type = "file", … }`. */

/** The keys as the file has them. */
export interface FileEntry {
  readonly path: string;
  readonly weight: number;
}

/** The keys of a file check. */
export const fileKeys: Keys<FileEntry> = {
  path: filePath('path = "/run/shop/web1"'),
  weight: orElse(integer(-254, 254, "weight = -1"), 0),
};

/** Reads a file check. */
export function readFile({ path, weight }: FileEntry): FileCheck {
  return { kind: "file", path, weight };
}

/** Writes what tells a file check from others. */
export function fileWords({ path, weight }: FileCheck): readonly string[] {
  return [path, ...(weight === 0 ? [] : [`times ${weight}`])];
}
