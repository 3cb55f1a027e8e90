import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolderProblem, cacheTag, cacheTagName, isCacheFolder } from "../base/cache-folder.ts";
import type { Log } from "../base/log.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import { diskCaches } from "../config/disk-caches.ts";
import type { ProxyPlan } from "../config/node-plan.ts";
import type { UserIds } from "./user.ts";

/**
 * Makes the folders of caches on disk and gives them to the proxies' user, who may make none in `/var/cache`. What cannot be
 * made is told, and no reason not to serve: answers are kept in memory then.
 */
export function prepareCacheFolders(plan: ProxyPlan, user: UserIds | null, log: Log): void {
  for (const path of diskCaches(plan.sites).keys()) {
    try {
      prepare(path, user);
    } catch (error) {
      log.warning(`no answers are kept in ${path}: ${errorText(error)}`);
    }
  }
}

function prepare(path: string, user: UserIds | null): void {
  const made = mkdirSync(path, { recursive: true });
  // Whoever runs the proxies has to get there, whatever the umask.
  if (made !== undefined)
    for (let at = path; at.length >= made.length; at = dirname(at)) chmodSync(at, 0o755);
  // Never another's: it would become the proxies' own.
  const problem = cacheFolderProblem(path);
  if (problem?.severity === "error") throw new Error(problem.what);
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (!isTagged(path)) writeTag(join(path, cacheTagName), user);
    const { mode, uid } = fstatSync(descriptor);
    if ((mode & 0o777) !== 0o700) {
      // CAP_FOWNER, which the unit leaves out, would be needed for another's.
      if (uid !== process.geteuid?.())
        fchownSync(descriptor, process.geteuid?.() ?? 0, process.getegid?.() ?? 0);
      fchmodSync(descriptor, 0o700);
    }
    if (user !== null) fchownSync(descriptor, user.uid, user.gid);
  } finally {
    closeSync(descriptor);
  }
}

function writeTag(path: string, user: UserIds | null): void {
  const descriptor = openSync(path, "wx", 0o600);
  try {
    writeSync(descriptor, cacheTag);
    if (user !== null) fchownSync(descriptor, user.uid, user.gid);
  } finally {
    closeSync(descriptor);
  }
}

function isTagged(path: string): boolean {
  try {
    return isCacheFolder(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}
