import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { HeadLimitsEntry, RouteLimitsEntry } from "../schema/head-limits.ts";
import { formatSize } from "../units.ts";

const keys = ["url", "header", "fields"] as const;

/** Limits of sites and routes: a listener lets in no more than its own. */
export function limitRules({ sections }: Model): readonly Finding[] {
  return sections.sites.flatMap(({ path, value }) => {
    const listeners = sections.listeners.filter((listener) => value.listeners.includes(listener.value.name));
    const judge = (limits: RouteLimitsEntry | null, at: KeyPath): readonly Finding[] =>
      limits === null ? [] : listeners.flatMap((one) => wider(limits, one.value, [...at, "limits"]));
    return [
      ...judge(value.limits, path),
      ...value.route.flatMap((route, index) => judge(route.limits, [...path, "route", index])),
    ];
  });
}

function wider(
  limits: RouteLimitsEntry,
  listener: { readonly name: string; readonly limits: HeadLimitsEntry },
  at: KeyPath,
): readonly Finding[] {
  return keys.flatMap((key) => {
    const most = listener.limits[key];
    if ((limits[key] ?? 0) <= most) return [];
    const shown = key === "fields" ? String(most) : formatSize(most);
    const what = `is more than the ${shown} that listener "${listener.name}" lets in`;
    return [errorAt([...at, key], what, "raise limits in the [[listener]], or lower this")];
  });
}
