import { errorAt, type Finding } from "../finding.ts";
import type { TomlTable } from "../toml-tree.ts";

/** What every file has: a cluster and its nodes. */
export function fileRules(tree: TomlTable): readonly Finding[] {
  const findings: Finding[] = [];
  if (!tree.entries.has("cluster"))
    findings.push(errorAt(["cluster"], "is missing", 'write [cluster] with name = "…"'));
  if (!tree.entries.has("node")) {
    findings.push(
      errorAt(["node"], "is missing", "write a [[node]] with its name and [node.address] for each host"),
    );
  }
  return findings;
}
