import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import { ownNotifyScripts } from "../schema/notify.ts";

/** What root runs must be root's alone; the host knows whether it is. */
export function scriptRules(model: Model): readonly Finding[] {
  const { tracks, notify, services } = model.sections;
  const quorums = services.flatMap(({ value, path }) =>
    (["quorum_up", "quorum_down"] as const).flatMap((key) => {
      const command = value[key];
      return command !== null && isRoot(value.quorum_user)
        ? rootFindings(model, command, [...path, key])
        : [];
    }),
  );
  const named = [...tracks, ...(notify === null ? [] : [notify])].flatMap(({ value, path }) =>
    value.script !== null && isRoot(value.user) ? rootFindings(model, value.script, [...path, "script"]) : [],
  );
  return [...named, ...ownNotifyFindings(model), ...quorums];
}

function ownNotifyFindings(model: Model): readonly Finding[] {
  const { vips, vrrps, syncGroups } = model.sections;
  return [...vips, ...vrrps, ...syncGroups].flatMap(({ value: { notify }, path }) => {
    if (notify === null || !isRoot(notify.user)) return [];
    return ownNotifyScripts.flatMap((key) => {
      const command = notify[key];
      return command === null ? [] : rootFindings(model, command, [...path, "notify", key]);
    });
  });
}

/** Tells whether a user named in the file is root. */
export function isRoot(user: string | null): boolean {
  return user === "root" || user === "0";
}

/** Finds who else could change what root would run. */
export function rootFindings(model: Model, command: readonly string[], path: KeyPath): readonly Finding[] {
  const problem = model.host.trustProblem(command);
  if (problem === null) return [];
  const what = `would be run by root, and ${problem}: whoever that is could become root`;
  const remedy =
    'make it and its directories root\'s alone (chown root, chmod go-w), or write user = "nobody"';
  return [errorAt(path, what, remedy)];
}
