import type { SitePlan } from "./http-plan.ts";

/** Gives the folders that sites and routes keep answers in, each with its bound in bytes. */
export function diskCaches(sites: readonly SitePlan[]): ReadonlyMap<string, number> {
  const disks = sites.flatMap(({ routes }) => routes.flatMap(({ content }) => content.cache?.disk ?? []));
  return new Map(disks.map(({ bytes, path }) => [path, bytes]));
}
