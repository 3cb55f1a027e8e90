/**
 * Reads lists of inline tables with the same keys, as in `[{ address = "…", weight = 1 }, …]`: two patterns make JSON of
 * one, which the runtime reads. PURE but for its memory. Null is whatever is written otherwise, and wrong. What that
 * saves is processor time: docs/decisions/what-a-first-load-waits-for.md.
 */

const key = "[A-Za-z0-9_-]+";
/** A text without escapes, or "=", which so is behind keys only; a whole number that is surely exact. */
const value = String.raw`(?:"[ !#-<>-\[\]-~]*"|-?[1-9][0-9]{0,14}|0|true|false)`;
const firstTable = new RegExp(String.raw`\[\{ ${key} = ${value}(?:, ${key} = ${value})* \}`, "y");
/** So many tables are tried at once: a pattern keeps in mind how it got through all of them. */
const mostAtOnce = 64;
const endBracket = "]";

/** What was read, and where it ends. */
export interface Alike {
  readonly list: readonly unknown[];
  readonly end: number;
}

/** The lists of a file. */
export class AlikeTables {
  #keys: readonly string[] = [];
  #tables: RegExp | null = null;

  /** Reads the list that begins at an offset; null if it is none of these. */
  read(text: string, at: number): Alike | null {
    // Most lists have the keys of the last one.
    const end = this.#end(text, at) ?? (this.#learn(text, at) ? this.#end(text, at) : null);
    if (end === null) return null;
    let json = text.slice(at, end);
    for (const name of this.#keys) json = json.replaceAll(` ${name} = `, ` "${name}":`);
    return { list: JSON.parse(json) as readonly unknown[], end };
  }

  /** Gives where a list of such tables ends. */
  #end(text: string, at: number): number | null {
    const tables = this.#tables;
    if (tables === null) return null;
    tables.lastIndex = at + 1;
    while (tables.test(text)) if (text[tables.lastIndex] === endBracket) return tables.lastIndex + 1;
    return null;
  }

  /** Takes the keys of a list's first table; false if they are those it has, or not fit. */
  #learn(text: string, at: number): boolean {
    firstTable.lastIndex = at;
    const first = firstTable.exec(text)?.[0];
    if (first === undefined) return false;
    const keys = [...first.matchAll(/([^ ]+) = /g)].map(([, name = ""]) => name);
    const isKnown = keys.join(" ") === this.#keys.join(" ");
    if (isKnown || new Set(keys).size < keys.length || keys.includes("__proto__")) return false;
    const members = keys.map((name) => `${name} = ${value}`).join(", ");
    this.#keys = keys;
    this.#tables = new RegExp(String.raw`(?:\{ ${members} \}(?:, (?=\{)|(?=\]))){1,${mostAtOnce}}`, "y");
    return true;
  }
}
