import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { SiteEntry } from "../schema/site.ts";
import type { Element } from "../sections.ts";

/** What sites and their routes can be among each other. */
export function siteRules(model: Model): readonly Finding[] {
  const first = new Map<string, KeyPath>();
  return model.sections.sites.flatMap((site) => [...hosts(site, first, model), ...routes(site)]);
}

/** A request belongs to one site: that of its listener and host. */
function hosts(
  { value, path }: Element<SiteEntry>,
  first: Map<string, KeyPath>,
  model: Model,
): readonly Finding[] {
  return value.hosts.flatMap((host, index) => {
    const at = [...path, "hosts", index];
    if (value.hosts.indexOf(host) < index)
      return [errorAt(at, `"${host}" is already in the list`, "remove it here")];
    const clashes = value.listeners.flatMap((listener) => {
      const earlier = first.get(`${listener} ${host}`);
      if (earlier === undefined) first.set(`${listener} ${host}`, at);
      return earlier === undefined ? [] : [{ listener, earlier }];
    });
    const [clash] = clashes;
    if (clash === undefined) return [];
    const what = `"${host}" on listener "${clash.listener}" already belongs to the [[site]] of line ${model.line(clash.earlier)}`;
    return [errorAt(at, what, "put the routes into one site, or choose another host or listener")];
  });
}

function routes({ value, path }: Element<SiteEntry>): readonly Finding[] {
  if (value.route.length === 0) {
    return [
      errorAt(
        path,
        "a site without a route answers nothing",
        'add a [[site.route]] with path = "/" and upstream = "…"',
      ),
    ];
  }
  return value.route.flatMap((route, index) => {
    const earlier = value.route.findIndex((other) => other.path === route.path);
    if (earlier === index) return [];
    return [
      errorAt(
        [...path, "route", index, "path"],
        `"${route.path}" is already the path of another route of this site`,
        "remove one of them",
      ),
    ];
  });
}
