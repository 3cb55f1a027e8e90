import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { SiteEntry } from "../schema/site.ts";
import type { Element } from "../sections.ts";
import { routeRules } from "./routes.ts";

/** What sites and their routes can be among each other. */
export function siteRules(model: Model): readonly Finding[] {
  const first = new Map<string, KeyPath>();
  return model.sections.sites.flatMap((site) => [...hosts(site, first, model), ...routeRules(site, model)]);
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
