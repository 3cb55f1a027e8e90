import { chmodSync, chownSync, lstatSync, mkdirSync, type Stats } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasCode } from "../base/system-error.ts";
import type { UserIds } from "./user.ts";

const groupAndOthersWrite = 0o022;
const othersSearch = 0o001;

/**
 * Where processes of another user unpack the native part of the executable (`TMPDIR`). In a folder that everybody may write to, as `/tmp`
 * is, that is the folder itself: the runtime has a file there for each user. In one that is this user's alone they get a folder of their
 * own, and may pass through: nobody else may write what they load.
 */
export function nativeFolder(user: UserIds, folder: string = tmpdir()): string {
  try {
    const stats = lstatSync(folder);
    if (!isOursAlone(stats)) return folder;
    if ((stats.mode & othersSearch) === 0) chmodSync(folder, (stats.mode & 0o7777) | othersSearch);
    const own = join(folder, String(user.uid));
    makeFolder(own);
    chownSync(own, user.uid, user.gid);
    return own;
  } catch (error) {
    // What is wrong with the folder is told by who loads from it.
    if (hasCode(error, "ENOENT") || hasCode(error, "EPERM") || hasCode(error, "EROFS")) return folder;
    throw error;
  }
}

function isOursAlone(stats: Stats): boolean {
  return stats.isDirectory() && stats.uid === process.geteuid?.() && (stats.mode & groupAndOthersWrite) === 0;
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}
