import { conditionsPlan, routePath } from "../build-routing.ts";
import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { RouteEntry } from "../schema/route.ts";
import type { SiteEntry } from "../schema/site.ts";
import type { Element } from "../sections.ts";

/** What the routes of a site can be, each and among each other. */
export function routeRules({ value, path }: Element<SiteEntry>, model: Model): readonly Finding[] {
  if (value.route.length === 0) {
    if (value.redirect !== null) return redirectLoop(value.redirect.to, [...path, "redirect"]);
    return [
      errorAt(
        path,
        "a site without a route answers nothing",
        'add a [[site.route]] with path = "/" and upstream = "…"',
      ),
    ];
  }
  const first = new Map<string, KeyPath>();
  return [
    ...(value.redirect === null ? [] : redirectLoop(value.redirect.to, [...path, "redirect"])),
    ...value.route.flatMap((route, index) => {
      const at = [...path, "route", index];
      const findings = [...wayFindings(route, value, at), ...pathFindings(route, at)];
      if (route.retries !== null && route.upstream === null)
        findings.push(errorAt([...at, "retries"], "no server is asked here", "remove it"));
      const name = conditionsText(route);
      const earlier = first.get(name);
      if (earlier === undefined) first.set(name, at);
      else findings.push(sameRoute(route, at, model.line(earlier)));
      return findings;
    }),
  ];
}

/** What becomes of its requests: one thing. */
function wayFindings(route: RouteEntry, site: SiteEntry, at: KeyPath): readonly Finding[] {
  const redirect = route.redirect === false ? null : route.redirect;
  const ways = [
    ...(redirect === null || redirect.to === null ? [] : ["redirect"]),
    ...(route.respond === null ? [] : ["respond"]),
    ...(route.upstream === null ? [] : ["upstream"]),
  ];
  const [way, second] = ways;
  if (way !== undefined && second !== undefined)
    return [errorAt([...at, second], `${way} has answered before`, `remove ${way} or ${second}`)];
  const findings: Finding[] = [];
  const siteTarget = site.redirect?.to ?? null;
  if (way === undefined && (route.redirect !== null || siteTarget === null))
    findings.push(
      errorAt(
        [...at, "upstream"],
        "is missing",
        'write upstream = "apps", or an answer with redirect or respond',
      ),
    );
  if (way !== undefined && route.redirect === null && siteTarget !== null) {
    const what = "the redirect of its site has answered before";
    findings.push(errorAt([...at, way], what, `remove ${way}, or write redirect = false beside it`));
  }
  if (redirect !== null) findings.push(...redirectLoop(redirect.to, [...at, "redirect"]));
  if (route.upstream === null)
    for (const key of ["rewrite", "strip"] as const)
      if (route[key] !== null)
        findings.push(errorAt([...at, key], "changes what goes to a server, and none does", "remove it"));
  return findings;
}

/** A target that is where the client comes from. */
function redirectLoop(to: string | null, at: KeyPath): readonly Finding[] {
  if (to === null || !/^(?:\$scheme:\/\/\$host)?(?:\$request_uri|\$uri(?:\?\$args)?)$/.test(to)) return [];
  const remedy = "write another target, or redirect = { https = true }";
  return [errorAt([...at, "to"], "leads to where the client is already, for ever", remedy)];
}

/** How its path is told, and what is cut off it. */
function pathFindings(route: RouteEntry, at: KeyPath): readonly Finding[] {
  const findings: Finding[] = [];
  const [given, other] = (["path", "exact", "regex"] as const).filter((key) => route[key] !== null);
  if (given !== undefined && other !== undefined)
    findings.push(errorAt([...at, other], `says another path than ${given}`, "leave out one of the two"));
  if (route.strip !== null && route.rewrite !== null)
    findings.push(
      errorAt([...at, "strip"], "rewrite says what becomes of the path", "leave out one of the two"),
    );
  const rewritten = route.rewrite?.kind === "prefix" ? route.rewrite.from : null;
  const prefix = route.strip ?? rewritten;
  const path = routePath(route);
  if (prefix !== null && route.regex === null && !isBelow(path, prefix)) {
    const key = route.strip === null ? ["rewrite", "prefix"] : ["strip"];
    const what = `the paths of this route do not begin with "${prefix}"`;
    findings.push(errorAt([...at, ...key], what, `write "${path}"`));
  }
  return findings;
}

function isBelow(path: string, prefix: string): boolean {
  return (
    path.startsWith(prefix) &&
    (prefix.endsWith("/") || path.length === prefix.length || path[prefix.length] === "/")
  );
}

function sorted(list: readonly unknown[]): readonly string[] {
  return list.map((one) => JSON.stringify(one)).sort();
}

/** Two routes with one text take the same requests. */
function conditionsText(route: RouteEntry): string {
  const { headers, methods, query, sources } = conditionsPlan(route);
  const kind = route.regex !== null ? "regex" : route.exact !== null ? "exact" : "path";
  return JSON.stringify([kind, routePath(route), ...[methods, headers, query, sources].map(sorted)]);
}

function sameRoute(route: RouteEntry, at: KeyPath, line: number): Finding {
  const key = route.regex !== null ? "regex" : route.exact !== null ? "exact" : "path";
  const { headers, methods, query, sources } = conditionsPlan(route);
  const isPathOnly = methods.length + headers.length + query.length + sources.length === 0;
  const what = isPathOnly
    ? `"${routePath(route)}" is already the path of another route of this site, in line ${line}`
    : `the route in line ${line} takes the same requests`;
  const remedy = isPathOnly ? "remove one of them, or give one another condition" : "remove one of them";
  return errorAt([...at, key], what, remedy);
}
