import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { DiskCachePlan } from "../content-plan.ts";
import type { ContentEntry } from "../schema/content.ts";
import { usualCacheMemory } from "../schema/cluster.ts";
import { formatSize } from "../units.ts";

interface Folder extends DiskCachePlan {
  readonly at: KeyPath;
}

interface PlacedEntry {
  readonly path: KeyPath;
  readonly value: ContentEntry;
}

/** Whether caches have room for what they may keep. */
export function cacheRules(model: Model): readonly Finding[] {
  const { proxy, sites } = model.sections;
  const entries: PlacedEntry[] = [...sites];
  for (const { path, value } of sites)
    entries.push(...value.route.map((route, index) => ({ path: [...path, "route", index], value: route })));
  const memory = proxy?.value.cache_memory ?? usualCacheMemory;
  return [...entries.flatMap((entry) => memoryRules(entry, memory)), ...folderRules(model, entries)];
}

/** What has no disk is kept in memory or not at all. */
function memoryRules({ path, value: { cache } }: PlacedEntry, memory: number): readonly Finding[] {
  if (cache === null || cache === false || cache.disk !== null || cache.maxObjectBytes <= memory) return [];
  const what = `is more than cache_memory of [proxy] has room for, which is ${formatSize(memory)}: larger answers are never kept`;
  return [warningAt([...path, "cache", "max_object"], what, "write a larger cache_memory, or a disk")];
}

/** Whether caches on disk have folders of their own, or agree on what they share, and may write there. */
function folderRules({ host, line }: Model, entries: readonly PlacedEntry[]): readonly Finding[] {
  const folders = entries.flatMap(folderOf);
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

function folderOf({ path, value: { cache } }: PlacedEntry): readonly Folder[] {
  if (cache === null || cache === false || cache.disk === null) return [];
  return [{ ...cache.disk, at: [...path, "cache", "disk"] }];
}

function areAtOdds(one: Folder, other: Folder): boolean {
  if (one.path === other.path) return one.bytes !== other.bytes;
  return `${one.path}/`.startsWith(`${other.path}/`) || `${other.path}/`.startsWith(`${one.path}/`);
}
