import type { SitePlan } from "./http-plan.ts";

/** Gives the paths of the files that the access logs of sites and routes are written to. */
export function accessLogFiles(sites: readonly SitePlan[]): ReadonlySet<string> {
  const logs = sites.flatMap(({ accessLog, routes }) => [
    accessLog,
    ...routes.map((route) => route.accessLog),
  ]);
  return new Set(
    logs.flatMap((log) => (log !== null && log !== "off" && log.to.kind === "file" ? [log.to.path] : [])),
  );
}
