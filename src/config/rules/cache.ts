import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { DiskCachePlan } from "../content-plan.ts";
import type { ContentEntry } from "../schema/content.ts";
import { formatSize } from "../units.ts";

interface Folder extends DiskCachePlan {
  readonly at: KeyPath;
}

/** Whether caches on disk have folders of their own, or agree on what they share, and may write there. */
export function cacheRules({ host, line, sections }: Model): readonly Finding[] {
  const folders = sections.sites.flatMap(({ path, value }) => [
    ...folderOf(value, path),
    ...value.route.flatMap((route, index) => folderOf(route, [...path, "route", index])),
  ]);
  return folders.flatMap((folder, index) => {
    const { at, path } = folder;
    const other = folders.slice(0, index).find((one) => areAtOdds(one, folder));
    if (other !== undefined) {
      const where = other.path === path ? "the same folder" : other.path;
      const what = `is for ${path}, and line ${line(other.at)} for ${where} with ${formatSize(other.bytes)}`;
      return [
        errorAt(
          at,
          what,
          "write the same size where one folder is shared, or another path, none inside the other",
        ),
      ];
    }
    const isNew = !folders.slice(0, index).some((one) => one.path === path);
    const problem = isNew ? host.cacheFolderProblem(path) : null;
    return problem === null
      ? []
      : [{ severity: problem.severity, path: at, what: problem.what, remedy: problem.remedy }];
  });
}

function folderOf({ cache }: ContentEntry, path: KeyPath): readonly Folder[] {
  if (cache === null || cache === false || cache.disk === null) return [];
  return [{ ...cache.disk, at: [...path, "cache", "disk"] }];
}

function areAtOdds(one: Folder, other: Folder): boolean {
  if (one.path === other.path) return one.bytes !== other.bytes;
  return `${one.path}/`.startsWith(`${other.path}/`) || `${other.path}/`.startsWith(`${one.path}/`);
}
