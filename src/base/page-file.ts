import { accessSync, constants, statSync } from "node:fs";
import { errorText } from "./system-error.ts";

/** Says why a path is no file or no folder that can be read; null if it is one. */
export function pageProblem(path: string, kind: "file" | "folder"): string | null {
  try {
    const stat = statSync(path);
    if (kind === "file" ? !stat.isFile() : !stat.isDirectory()) return `${path} is no ${kind}`;
    accessSync(path, constants.R_OK);
    return null;
  } catch (error) {
    return `${path} cannot be read: ${errorText(error)}`;
  }
}
