import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import type { HostKnowledge, Model } from "../model.ts";
import type { ContentEntry } from "../schema/content.ts";
import type { RouteEntry } from "../schema/route.ts";
import type { SiteEntry } from "../schema/site.ts";

/** Whether the pages that sites and routes name are there. */
export function contentRules({ host, sections }: Model): readonly Finding[] {
  return sections.sites.flatMap(({ path, value }) => [
    ...namedPages(value, path, host),
    ...unreached(value, path),
    ...value.route.flatMap((route, index) => namedPages(route, [...path, "route", index], host)),
  ]);
}

function namedPages(entry: ContentEntry, path: KeyPath, host: HostKnowledge): readonly Finding[] {
  const { error_pages: pages, files, maintenance } = entry;
  const named = [
    ...(pages?.pages ?? []).map(([status, page]) => ({ at: ["error_pages", status], page })),
    ...(maintenance === null || maintenance === false || maintenance.page === null
      ? []
      : [{ at: ["maintenance", "page"], page: maintenance.page }]),
  ];
  const findings = named.flatMap(({ at, page }) => {
    const problem = host.pageProblem(page, "file");
    return problem === null
      ? []
      : [errorAt([...path, ...at], problem, "put the page there, or name another")];
  });
  const problem = files === null ? null : host.pageProblem(files.root, "folder");
  if (problem !== null)
    findings.push(errorAt([...path, "files", "root"], problem, "make the folder, or name another"));
  return findings;
}

/** Tells whether a route may take something below a path; what a pattern takes is not known here. */
function mayReach(route: RouteEntry, folder: string): boolean {
  if (route.exact !== null) return route.exact.startsWith(folder);
  return route.regex !== null || folder.startsWith(route.path ?? "/");
}

/** Files answer what a route leads to: without one the answer is 404. */
function unreached({ files, route }: SiteEntry, path: KeyPath): readonly Finding[] {
  if (files === null || route.some((one) => mayReach(one, files.path))) return [];
  const what = `no [[site.route]] of this site has a path that ${files.path} is below: its files get 404`;
  return [warningAt([...path, "files", "path"], what, 'add a route with path = "/", or choose another path')];
}
