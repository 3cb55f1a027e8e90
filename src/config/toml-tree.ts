import { compile } from "toml/lib/compiler";
import { unreachable } from "../base/assert.ts";
import { parse, type ParsedAssignment, type ParsedNode, type ParsedValue } from "toml/lib/parser";
import type { TomlChunks } from "./toml-chunks.ts";
import { LateArray, LateTable } from "./toml-late.ts";
import { scanToml } from "./toml-scanner.ts";

/** A value of a TOML file with its offset in the text: the header of a table, the first character of anything else. */
export type TomlNode = TomlTable | TomlArray | TomlScalar;

/** A table, whichever way it was written. */
export interface TomlTable {
  readonly kind: "table";
  readonly offset: number;
  /** To be added to the offset of this table, and of everything in it. */
  readonly shift: number;
  readonly entries: Map<string, TomlEntry>;
}

/** A key of a table with its own offset. */
export interface TomlEntry {
  readonly keyOffset: number;
  readonly node: TomlNode;
}

/** An array, or the elements of an array of tables. */
export interface TomlArray {
  readonly kind: "array";
  readonly offset: number;
  readonly items: TomlNode[];
}

/** Anything else; dates and times, which no key here takes, are `Date` objects without a time, equal to no text. */
export interface TomlScalar {
  readonly kind: "scalar";
  readonly offset: number;
  readonly value: string | number | boolean | Date;
}

/** The tree of a TOML file, or the offset (in characters of the text) and text of its first syntax error. */
export type TomlResult =
  | { readonly tree: TomlTable }
  | {
      readonly tree: null;
      readonly at: { readonly line: number; readonly column: number };
      readonly what: string;
    };

const maximumDepth = 32;

/** Parses TOML 1.1 and keeps where every key and value stands; `chunks` that are given again make that faster. */
export function parseToml(text: string, chunks?: TomlChunks): TomlResult {
  const tree = scanToml(text, chunks);
  return tree === null ? parseByLibrary(text) : { tree };
}

/** The same by the library alone, whose word is the last. */
export function parseByLibrary(text: string): TomlResult {
  let nodes: readonly ParsedNode[];
  try {
    nodes = parse(text, { maxDepth: maximumDepth });
    // The compiler's own result has no places: it is run for TOML's rules on tables and keys that are defined twice.
    compile(nodes, text);
  } catch (error) {
    return { tree: null, ...syntaxError(error) };
  }
  const root = newTable(0);
  let current = root;
  for (const node of nodes) {
    switch (node.type) {
      case "ObjectPath":
        current = openTable(root, node.value, node.offset);
        break;
      case "ArrayPath":
        current = appendTable(root, node.value, node.offset);
        break;
      case "Assign":
      case "InlineTableValue":
        assign(current, node);
    }
  }
  return { tree: root };
}

/** Turns a tree into plain values, never to be changed: tables become objects without a prototype. */
export function plainValue(node: TomlNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node instanceof LateArray || node instanceof LateTable) return node.value;
  if (node.kind === "array") return node.items.map(plainValue);
  const out = Object.create(null) as Record<string, unknown>;
  for (const [key, entry] of node.entries) out[key] = plainValue(entry.node);
  return out;
}

/** Gives the text that a table has for a key; null if it has none, or something else. */
export function textUnder(table: TomlTable, key: string): string | null {
  if (table instanceof LateTable) {
    const value = (table.value as Readonly<Record<string, unknown>>)[key];
    return typeof value === "string" ? value : null;
  }
  const node = table.entries.get(key)?.node;
  return node?.kind === "scalar" && typeof node.value === "string" ? node.value : null;
}

function newTable(offset: number): TomlTable {
  return { kind: "table", offset, shift: 0, entries: new Map() };
}

/** Goes down one key, into the last element of an array of tables, making the table where there is none. */
function descend(table: TomlTable, key: string, offset: number): TomlTable {
  const found = table.entries.get(key)?.node;
  const node = found?.kind === "array" ? found.items.at(-1) : found;
  if (node?.kind === "table") return node;
  const made = newTable(offset);
  table.entries.set(key, { keyOffset: offset, node: made });
  return made;
}

function openTable(root: TomlTable, path: readonly string[], offset: number): TomlTable {
  return path.reduce((table, key) => descend(table, key, offset), root);
}

function appendTable(root: TomlTable, path: readonly string[], offset: number): TomlTable {
  const parent = openTable(root, path.slice(0, -1), offset);
  const name = path.at(-1) ?? "";
  const made = newTable(offset);
  const found = parent.entries.get(name)?.node;
  if (found?.kind === "array") found.items.push(made);
  else parent.entries.set(name, { keyOffset: offset, node: { kind: "array", offset, items: [made] } });
  return made;
}

function assign(table: TomlTable, assignment: ParsedAssignment): void {
  const { key, offset } = assignment;
  const target = key.slice(0, -1).reduce((at, part) => descend(at, part, offset), table);
  target.entries.set(key.at(-1) ?? "", { keyOffset: offset, node: valueNode(assignment.value) });
}

function valueNode(value: ParsedValue): TomlNode {
  const { offset } = value;
  switch (value.type) {
    case "Integer":
      return { kind: "scalar", offset, value: Number(value.value) };
    case "String":
    case "Float":
    case "Boolean":
      return { kind: "scalar", offset, value: value.value };
    case "Array":
      return { kind: "array", offset, items: value.value.map(valueNode) };
    case "InlineTable": {
      const table = newTable(offset);
      for (const entry of value.value) assign(table, entry);
      return table;
    }
    case "Date":
    case "LocalDateTime":
    case "LocalDate":
    case "LocalTime":
      return { kind: "scalar", offset, value: new Date(Number.NaN) };
    default:
      return unreachable(value);
  }
}

interface ParserError {
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
  /** Set on syntax errors, whose own `line` is the runtime's: the place in the parser where it was thrown. */
  readonly location?: { readonly start: { readonly line: number; readonly column: number } };
  readonly found?: string | null;
  readonly expected?: readonly { readonly type: string; readonly text?: string }[] | null;
}

function syntaxError(error: unknown): {
  readonly at: { readonly line: number; readonly column: number };
  readonly what: string;
} {
  const parserError = error as ParserError;
  const { location } = parserError;
  if (location === undefined) {
    const at = { line: parserError.line ?? 1, column: parserError.column ?? 1 };
    return { at, what: ownWords(parserError.message) };
  }
  const { found } = parserError;
  if (found === null || found === undefined) return { at: location.start, what: "the file ends too early" };
  if (found === "\n" || found === "\r") return { at: location.start, what: "the line ends too early" };
  return { at: location.start, what: `unexpected ${JSON.stringify(found)}` };
}

function ownWords(message: string): string {
  const text = message.replace(/\.$/, "").replaceAll("'", '"');
  const repeated = /^Cannot redefine existing key (".*")$/.exec(text);
  return repeated === null
    ? text.charAt(0).toLowerCase() + text.slice(1)
    : `the key ${repeated[1]} is given twice`;
}
