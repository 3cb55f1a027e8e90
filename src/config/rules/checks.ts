import { warningAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { CheckEntry } from "../schema/check.ts";
import { formatDuration } from "../units.ts";

interface Checked {
  readonly path: KeyPath;
  readonly value: {
    readonly check: CheckEntry | null;
    readonly servers: readonly { readonly check: CheckEntry | null }[];
  };
}

/** Checks have ended before they are due again. */
export function checkRules(model: Model): readonly Finding[] {
  const all: readonly Checked[] = [...model.sections.services, ...model.sections.upstreams];
  const common = all.flatMap(({ value, path }) => timing(value.check, [...path, "check"]));
  const own = all.flatMap(({ value, path }) =>
    value.servers.flatMap(({ check }, index) => timing(check, [...path, "servers", index, "check"])),
  );
  return [...common, ...own];
}

function timing(check: CheckEntry | null, path: KeyPath): readonly Finding[] {
  if (check === null || check.timeout <= check.interval) return [];
  const what = `a timeout of ${formatDuration(check.timeout)} is longer than the interval of ${formatDuration(check.interval)}: checks come late`;
  return [
    warningAt([...path, "timeout"], what, `write timeout = "${formatDuration(check.interval)}" or less`),
  ];
}
