import { accessSync, constants, lstatSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { errorText, hasCode } from "./system-error.ts";

/** What is wrong with a folder for a cache. */
export interface CacheFolderProblem {
  /** A warning is for what may be better when the service starts, or whom it runs as. */
  readonly severity: "error" | "warning";
  readonly what: string;
  readonly remedy: string;
}

/** The file that tells a folder is a cache, to backups too (https://bford.info/cachedir/), and that it is one of ours. */
export const cacheTagName = "CACHEDIR.TAG";
/** What stands in it. */
export const cacheTag =
  "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of edge-ha: what is in here may be removed at any time.\n";

/** Tells whether a folder is a cache of ours; throws what the file system throws. */
export function isCacheFolder(path: string): boolean {
  return readFileSync(join(path, cacheTagName), "utf8") === cacheTag;
}

/** Says why answers cannot be kept in a folder; null if they can. */
export function cacheFolderProblem(path: string): CacheFolderProblem | null {
  try {
    return problemOf(path);
  } catch (error) {
    if (hasCode(error, "EACCES")) return null; // it is the proxies' own
    const what = `${path} cannot be looked at: ${errorText(error)}`;
    return { severity: "error", what, remedy: "name another folder" };
  }
}

function problemOf(path: string): CacheFolderProblem | null {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return dirname(path) === path ? null : withoutFolder(path, dirname(path));
  if (!stat.isDirectory()) {
    const remedy = stat.isSymbolicLink() ? "name the folder that the link leads to" : "name another path";
    return { severity: "error", what: `${path} is no folder`, remedy };
  }
  const names = readdirSync(path);
  if (names.length > 0 && !(names.includes(cacheTagName) && isCacheFolder(path))) {
    const what = `${path} has files in it that no cache of edge-ha has put there`;
    return { severity: "error", what, remedy: "name an empty folder, or one that is to be made" };
  }
  return writeProblem(path, path);
}

/** It will be made, if what is above it allows that. */
function withoutFolder(path: string, above: string): CacheFolderProblem | null {
  const stat = lstatSync(above, { throwIfNoEntry: false });
  if (stat === undefined) return withoutFolder(path, dirname(above));
  if (stat.isSymbolicLink() || stat.isDirectory()) return writeProblem(path, above);
  return {
    severity: "error",
    what: `${path} cannot be made: ${above} is no folder`,
    remedy: "name another path",
  };
}

function writeProblem(path: string, above: string): CacheFolderProblem | null {
  try {
    accessSync(above, constants.W_OK);
    return null;
  } catch (error) {
    const what = `${path} cannot be written as things are: ${errorText(error)}`;
    return { severity: "warning", what, remedy: "answers are kept in memory only until it can" };
  }
}
