import { parseArgs } from "node:util";

/** What may stand in an argument: any text, a number above 0, one of some words, or what occurs in one of some labels; a flag has none. */
export type Kind =
  | "text"
  | "number"
  | "flag"
  | { readonly oneOf: readonly string[] }
  | { readonly in: readonly string[] };

/** What a script understands. */
export interface Form {
  /** As it is written, such as `scripts/bench soak [--requests N]`. */
  readonly usage: string;
  /** What stands without a name, in order. */
  readonly words?: Readonly<Record<string, Kind>>;
  /** What stands behind `--name`. */
  readonly options?: Readonly<Record<string, Kind>>;
}

/** The arguments that were given, by their names; flags are empty. */
export type Given = ReadonlyMap<string, string>;

/** Reads arguments; throws what is wrong with them and how they are written. PURE. */
export function parseArguments({ options = {}, usage, words = {} }: Form, written: readonly string[]): Given {
  const given = new Map<string, string>();
  try {
    const types = Object.entries(options).map(
      ([name, kind]) => [name, { type: kind === "flag" ? "boolean" : "string" }] as const,
    );
    const parsed = parseArgs({
      args: [...written],
      options: Object.fromEntries(types),
      allowPositionals: true,
    });
    const named = Object.entries(parsed.values);
    for (const [name, value] of named) given.set(name, typeof value === "string" ? value : "");
    const names = Object.keys(words);
    for (const [index, value] of parsed.positionals.entries()) {
      const name = names[index];
      if (name === undefined) throw new Error(`${JSON.stringify(value)} is one argument too many`);
      given.set(name, value);
    }
    for (const [name, kind] of Object.entries({ ...options, ...words })) {
      const complaint = given.has(name) ? complaintOf(kind, given.get(name) ?? "") : null;
      if (complaint !== null) throw new Error(`${name}: ${complaint}`);
    }
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\nusage: ${usage}`, {
      cause: error,
    });
  }
  return given;
}

/** Reads the arguments of this process; tells how they are written, and ends it, where they are wrong or `--help` is among them. */
export function readArguments(form: Form): Given {
  const written = process.argv.slice(2);
  if (written.includes("--help")) {
    console.log(`usage: ${form.usage}`);
    return process.exit(0);
  }
  try {
    return parseArguments(form, written);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return process.exit(2);
  }
}

/** Gives a number that was given, or another in its place. */
export function numberOf(given: Given, name: string, otherwise: number): number {
  return Number(given.get(name) ?? otherwise);
}

function complaintOf(kind: Kind, value: string): string | null {
  const written = JSON.stringify(value);
  if (kind === "number") return Number(value) > 0 ? null : `${written} is no number above 0`;
  if (typeof kind === "string") return null;
  if ("oneOf" in kind)
    return kind.oneOf.includes(value) ? null : `${written} is none of ${kind.oneOf.join(", ")}`;
  if (kind.in.some((label) => label.includes(value))) return null;
  return `${written} is in none of ${kind.in.map((label) => JSON.stringify(label)).join(", ")}`;
}
