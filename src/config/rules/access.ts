import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { AccessEntry } from "../schema/access.ts";
import type { ListenerEntry } from "../schema/listener.ts";

/** Lists of networks: the files they are in, and those that let everybody or nobody in. */
export function accessRules(model: Model): readonly Finding[] {
  const { listeners, sites } = model.sections;
  const findings: Finding[] = [];
  for (const { path, value } of listeners) {
    findings.push(...files(value, path, model), ...trustInAll(value, path));
  }
  for (const { path, value } of sites) {
    findings.push(...files(value, path, model));
    for (const [index, route] of value.route.entries())
      findings.push(...files(route, [...path, "route", index], model));
  }
  return findings;
}

function trustInAll({ trusted_proxies }: ListenerEntry, path: KeyPath): readonly Finding[] {
  const index = trusted_proxies.findIndex(({ length }) => length === 0);
  if (index < 0) return [];
  const what = "believes what every client says about its address";
  return [warningAt([...path, "trusted_proxies", index], what, "name the networks of your own proxies")];
}

function files(entry: AccessEntry, path: KeyPath, model: Model): readonly Finding[] {
  return (["allow", "deny"] as const).flatMap((key) =>
    (entry[key]?.files ?? []).flatMap((file) => {
      const problem = model.host.networkFileProblem(file);
      const remedy = 'write one network on a line, as in "192.0.2.0/24"';
      return problem === null ? [] : [errorAt([...path, key], problem, remedy)];
    }),
  );
}
