import { closeSync, fchownSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { ProxyPlan } from "../config/node-plan.ts";
import type { UserIds } from "./user.ts";

/**
 * Makes the access logs' files and gives them to the proxies' user, who may not make files in `/var/log`.
 * Throws what the file system throws, such as ENOENT or EACCES with the path in it.
 */
export function prepareAccessLogs(plan: ProxyPlan, user: UserIds | null): void {
  const paths = new Set(plan.sites.flatMap((site) => (site.accessLog === null ? [] : [site.accessLog.path])));
  for (const path of paths) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const descriptor = openSync(path, "a", 0o640);
    try {
      if (user !== null) fchownSync(descriptor, user.uid, user.gid);
    } finally {
      closeSync(descriptor);
    }
  }
}
