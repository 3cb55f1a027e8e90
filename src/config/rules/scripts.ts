import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";

/** What root runs must be root's alone; the host knows whether it is. */
export function scriptRules(model: Model): readonly Finding[] {
  const { tracks, notify } = model.sections;
  return [...tracks, ...(notify === null ? [] : [notify])].flatMap(({ value, path }) =>
    value.script !== null && isRoot(value.user) ? rootFindings(model, value.script, path) : [],
  );
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
  return [errorAt([...path, "script"], what, remedy)];
}
