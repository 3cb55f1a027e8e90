import { buildConfig } from "./build.ts";
import type { Config } from "./config.ts";
import { compareDiagnostics, hasErrors, type Diagnostic } from "./diagnostic.ts";
import { decodeFile } from "./file-text.ts";
import { locator, type Finding } from "./finding.ts";
import { declaredNames, noKnowledge, type HostKnowledge, type Model } from "./model.ts";
import { resolveBfd } from "./resolve-bfd.ts";
import { atOrigins, withGroups } from "./service-groups.ts";
import { resolveInstances, resolveTracks } from "./resolve.ts";
import { acceptanceRules } from "./rules/acceptance.ts";
import { addressRules } from "./rules/addresses.ts";
import { bfdRules } from "./rules/bfd.ts";
import { bfdSessionRules } from "./rules/bfd-sessions.ts";
import { checkRules } from "./rules/checks.ts";
import { viaRules } from "./rules/checks-via.ts";
import { extraAddressRules } from "./rules/extra-addresses.ts";
import { familyRules } from "./rules/families.ts";
import { fileRules } from "./rules/file.ts";
import { footingRules, idleFooting } from "./rules/footing.ts";
import { holdingRules } from "./rules/holdings.ts";
import { httpRules, idleHttpRules } from "./rules/http.ts";
import { nameRules } from "./rules/names.ts";
import { policyRules } from "./rules/policy.ts";
import { notifyRules } from "./rules/notify.ts";
import { protocolRules, routerRules } from "./rules/routers.ts";
import { scriptRules } from "./rules/scripts.ts";
import { virtualMacRules } from "./rules/virtual-macs.ts";
import { addressGroupRules, idleGroups } from "./rules/service-groups.ts";
import { serviceRules } from "./rules/services.ts";
import { transportRules } from "./rules/transport.ts";
import { strictRules } from "./rules/strict.ts";
import { syncGroupRules } from "./rules/sync-groups.ts";
import { idleTracks, trackRules } from "./rules/tracks.ts";
import { SectionMemory } from "./section-memory.ts";
import { readSections } from "./sections.ts";
import { parseToml, type TomlTable } from "./toml-tree.ts";

/**
 * `text → Config`: parse with positions, hold every table against its schema, derive what the file leaves to derivation,
 * apply the rules that span tables. It reads no file, knows no host and starts nothing; `plan.ts` goes on from here.
 */
export type ReadConfig =
  | { readonly config: Config; readonly diagnostics: readonly Diagnostic[] }
  | { readonly config: null; readonly diagnostics: readonly Diagnostic[] };

/** The longest file that is looked at, in UTF-16 code units. */
const longestText = 4 * 1024 ** 2;

/**
 * Reads a configuration. All errors and warnings come back at once, sorted by place; with an error there is no
 * configuration. `file` is the name that messages about the file as a whole use; `host` is what this host says about
 * what the file names; a `memory` that is given again makes reading a file that has changed a little faster.
 */
export function readConfig(
  source: string | Uint8Array,
  file: string,
  host: HostKnowledge = noKnowledge,
  memory: SectionMemory = new SectionMemory(),
): ReadConfig {
  const text = typeof source === "string" ? source : decodeFile(source);
  if (typeof text !== "string") {
    const what = `${file} is not written in UTF-8`;
    return refused({
      ...text,
      key: "file",
      what,
      remedy: "save it as UTF-8, or write this letter otherwise",
    });
  }
  if (text.length > longestText) {
    return refused({
      line: 1,
      column: 1,
      key: "file",
      what: `${file} is longer than 4 MiB`,
      remedy: "divide the cluster",
    });
  }
  const parsed = parseToml(text, memory.chunks);
  if (parsed.tree === null) {
    const remedy =
      'correct it: texts stand in double quotes, tables start with [name] or [[name]], lists end with "]"';
    return refused({ ...parsed.at, key: "syntax", what: parsed.what, remedy });
  }
  const places = locator(parsed.tree, text);
  const { model, findings } = examine(parsed.tree, { line: places.line, host }, memory);
  const diagnostics = findings.map(places.locate).sort(compareDiagnostics);
  return hasErrors(diagnostics) ? { config: null, diagnostics } : { config: buildConfig(model), diagnostics };
}

function refused(diagnostic: Omit<Diagnostic, "severity">): ReadConfig {
  return { config: null, diagnostics: [{ severity: "error", ...diagnostic }] };
}

/** Runs everything that can find fault; what needs all tables to judge waits until they can all be read. */
function examine(
  tree: TomlTable,
  around: Pick<Model, "line" | "host">,
  memory: SectionMemory,
): { readonly model: Model; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [...fileRules(tree)];
  const declared = declaredNames(tree);
  const { sections, origin } = withGroups(readSections(tree, findings, memory), declared, findings);
  const model: Model = {
    sections,
    declared,
    instances: resolveInstances(sections, declared, findings),
    tracks: resolveTracks(sections.tracks),
    bfd: resolveBfd(sections.bfds, {
      nodes: new Map(sections.nodes.map(({ value }) => [value.name, value])),
      declared,
      findings,
    }),
    ...around,
  };
  findings.push(
    ...nameRules(model),
    ...addressRules(model),
    ...familyRules(model),
    ...extraAddressRules(model),
    ...holdingRules(model),
    ...transportRules(model),
    ...routerRules(model),
    ...virtualMacRules(model),
    ...policyRules(model),
    ...strictRules(model),
    ...acceptanceRules(model),
    ...bfdRules(model),
    ...bfdSessionRules(model),
    ...syncGroupRules(model),
    ...trackRules(model),
    ...notifyRules(model),
    ...scriptRules(model),
    ...addressGroupRules(model),
    ...serviceRules(model),
    ...footingRules(model),
    ...checkRules(model),
    ...viaRules(model),
    ...httpRules(model),
  );
  if (sections.cluster !== null) findings.push(...protocolRules(model));
  if (sections.areWhole) {
    findings.push(...idleTracks(model), ...idleHttpRules(model), ...idleFooting(model), ...idleGroups(model));
  }
  return { model, findings: atOrigins(findings, origin) };
}
