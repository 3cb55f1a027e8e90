import { warningAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";
import { accessRules } from "./access.ts";
import { cacheRules } from "./cache.ts";
import { contentRules } from "./content.ts";
import { admissionRules } from "./admission.ts";
import { limitRules } from "./limits.ts";
import { listenerRules } from "./listeners.ts";
import { siteRules } from "./sites.ts";
import { http3Rules } from "./http3.ts";
import { tlsRules } from "./tls.ts";
import { upstreamTlsRules } from "./upstream-tls.ts";
import { upstreamRules } from "./upstreams.ts";

/** What listeners, upstreams and sites can be among each other. */
export function httpRules(model: Model): readonly Finding[] {
  return [
    ...listenerRules(model),
    ...tlsRules(model),
    ...http3Rules(model),
    ...upstreamRules(model),
    ...upstreamTlsRules(model),
    ...siteRules(model),
    ...limitRules(model),
    ...contentRules(model),
    ...cacheRules(model),
    ...admissionRules(model),
    ...accessRules(model),
  ];
}

/** Tables that nothing uses; judged only when every table could be read. */
export function idleHttpRules(model: Model): readonly Finding[] {
  const { sections } = model;
  const routes = sections.sites.flatMap(({ value }) => value.route);
  const usedUpstreams = new Set<string | null>(routes.map(({ upstream }) => upstream));
  const usedListeners = new Set(sections.sites.flatMap(({ value }) => value.listeners));
  return [
    ...sections.upstreams.flatMap(({ value, path }) =>
      usedUpstreams.has(value.name)
        ? []
        : [warningAt(path, "no [[site.route]] leads to it", "remove it, or name it in a route")],
    ),
    ...sections.listeners.flatMap(({ value, path }) =>
      usedListeners.has(value.name)
        ? []
        : [
            warningAt(
              path,
              "no [[site]] has it among its listeners: requests get 404",
              "remove it, or name it in a site",
            ),
          ],
    ),
  ];
}
