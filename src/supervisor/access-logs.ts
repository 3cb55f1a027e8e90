import { closeSync, fchownSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { accessLogFiles } from "../config/access-log-files.ts";
import type { ProxyPlan } from "../config/node-plan.ts";
import type { UserIds } from "./user.ts";

/**
 * Makes the access logs' files and gives them to the proxies' user, who may not make files in `/var/log`.
 * Throws what the file system throws, such as ENOENT or EACCES with the path in it.
 */
export function prepareAccessLogs(plan: ProxyPlan, user: UserIds | null): void {
  for (const path of accessLogFiles(plan.sites)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const descriptor = openSync(path, "a", 0o640);
    try {
      if (user !== null) fchownSync(descriptor, user.uid, user.gid);
    } finally {
      closeSync(descriptor);
    }
  }
}
