import type { Diagnostic, Place } from "./diagnostic.ts";
import type { TomlNode, TomlTable } from "./toml-tree.ts";

/** Where a value is in the file: table names, keys and indices from the top. */
export type KeyPath = readonly (string | number)[];

/** A diagnostic before its place is looked up. */
export interface Finding {
  readonly severity: "error" | "warning";
  readonly path: KeyPath;
  readonly what: string;
  readonly remedy: string;
  /** Points at the key instead of the value: for keys that should not be there at all. */
  readonly pointsAtKey?: boolean;
}

/** Makes a finding that stops the start. */
export function errorAt(path: KeyPath, what: string, remedy: string): Finding {
  return { severity: "error", path, what, remedy };
}

/** Makes a finding that does not. */
export function warningAt(path: KeyPath, what: string, remedy: string): Finding {
  return { severity: "warning", path, what, remedy };
}

/** Adds a finding that may be made for several routers, and is said once. */
export function report(findings: Finding[], finding: Finding): void {
  const isSaid = findings.some(
    ({ path, what }) => what === finding.what && path.join("\n") === finding.path.join("\n"),
  );
  if (!isSaid) findings.push(finding);
}

/** Knows where in a text the values of its tree stand. */
export interface Locator {
  /** Gives a finding its place; a missing key has the place of the table it is missing from. */
  readonly locate: (finding: Finding) => Diagnostic;
  /** Tells the line of a value, for messages that name a second place. */
  readonly line: (path: KeyPath) => number;
}

/** Makes a locator, counting the lines of the text once. */
export function locator(tree: TomlTable, text: string): Locator {
  const lines = lineStarts(text);
  return {
    locate(finding) {
      const { severity, what, remedy, path } = finding;
      const place = placeOf(text, lines, offsetOf(tree, finding));
      return { severity, ...place, key: formatPath(tree, path), what, remedy };
    },
    line: (path) => placeOf(text, lines, offsetOf(tree, { path })).line,
  };
}

function offsetOf(tree: TomlTable, finding: Pick<Finding, "path" | "pointsAtKey">): number {
  let node: TomlNode = tree;
  let keyOffset: number | null = null;
  let shift = 0;
  for (const step of finding.path) {
    if (node.kind === "table" && typeof step === "string") {
      const entry = node.entries.get(step);
      if (entry === undefined) return node.offset + shift;
      keyOffset = entry.keyOffset;
      node = entry.node;
    } else if (node.kind === "array" && typeof step === "number") {
      const item: TomlNode | undefined = node.items[step];
      if (item === undefined) return node.offset + shift;
      keyOffset = null;
      node = item;
    } else return node.offset + shift;
    if (node.kind === "table") shift += node.shift;
  }
  return (finding.pointsAtKey === true && keyOffset !== null ? keyOffset : node.offset) + shift;
}

/** Writes a path as operators speak of it: elements of lists by their name where they have one. */
export function formatPath(tree: TomlTable, path: KeyPath): string {
  let node: TomlNode | undefined = tree;
  let out = "";
  for (const step of path) {
    if (typeof step === "number") {
      // One text may stand for a list of one, and has no index then.
      if (node?.kind === "scalar") continue;
      node = node?.kind === "array" ? node.items[step] : undefined;
      const name = nameOf(node);
      out += name === null ? `[${step}]` : ` ${JSON.stringify(name)}`;
    } else {
      node = node?.kind === "table" ? node.entries.get(step)?.node : undefined;
      const word = /^[A-Za-z0-9_-]+$/.test(step) ? step : JSON.stringify(step);
      out += out === "" ? word : `.${word}`;
    }
  }
  return out === "" ? "file" : out;
}

/** An element's name: its `name`, a site's first host, or a route's path. */
function nameOf(node: TomlNode | undefined): string | null {
  if (node?.kind !== "table") return null;
  const { entries } = node;
  const hosts = entries.get("hosts")?.node;
  const candidates = [
    entries.get("name")?.node,
    hosts?.kind === "array" ? hosts.items[0] : undefined,
    ...(entries.has("upstream") ? ["path", "exact", "regex"].map((key) => entries.get(key)?.node) : []),
  ];
  for (const found of candidates) {
    if (found?.kind === "scalar" && typeof found.value === "string" && found.value !== "") return found.value;
  }
  return null;
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

function placeOf(text: string, starts: readonly number[], offset: number): Place {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  const column = Array.from(text.slice(starts[low], offset)).length + 1;
  return { line: low + 1, column };
}
