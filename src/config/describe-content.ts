import type { ContentPlan } from "./content-plan.ts";
import { formatDuration, formatSize } from "./units.ts";

/** Says what of a route's answers is made here. */
export function contentWords({ cache, compression, errorPages, files, maintenance }: ContentPlan): string {
  const words = [
    ...(maintenance === null ? [] : [maintenanceWords(maintenance)]),
    ...(files === null ? [] : [`files of ${files.root} below ${files.path}`]),
    ...(cache === null ? [] : [cacheWords(cache)]),
    ...(compression === null ? [] : [`encoded in ${compression.codings.join(", ")}`]),
    ...(errorPages === null ? [] : [errorPageWords(errorPages)]),
  ];
  return words.map((word) => `, ${word}`).join("");
}

function maintenanceWords({ allow, retryAfterS }: NonNullable<ContentPlan["maintenance"]>): string {
  const some = allow.map(({ address, length }) => `${address}/${length}`).join(", ");
  const retry = retryAfterS === null ? "" : `, try again after ${formatDuration(retryAfterS * 1000)}`;
  return `in maintenance${some === "" ? "" : ` but for ${some}`}${retry}`;
}

function cacheWords({ disk, maxObjectBytes, ttlMs }: NonNullable<ContentPlan["cache"]>): string {
  const usual = ttlMs === 0 ? "" : `, for ${formatDuration(ttlMs)} where they do not say`;
  const folder = disk === null ? "" : `, also ${formatSize(disk.bytes)} of them in ${disk.path}`;
  return `answers up to ${formatSize(maxObjectBytes)} kept${usual}${folder}`;
}

function errorPageWords({ intercepts, pages }: NonNullable<ContentPlan["errorPages"]>): string {
  const list = pages.map(([status]) => status).join(", ");
  return `pages for ${list}${intercepts ? " of the servers, too" : ""}`;
}
