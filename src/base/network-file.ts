import { readFileSync, statSync } from "node:fs";
import { parsePrefix, type Prefix } from "./address.ts";
import { errorText } from "./system-error.ts";

/**
 * Files with networks, as lists of countries are published: one on a line, comments behind `#` or `;`. What follows the
 * network on its line is not looked at, so that a file written for nginx's `geo` does as well.
 */

const mostBytes = 16 * 1024 ** 2;

/** Reads the networks of a file's text; throws, naming the line, on what is none. */
export function parseNetworks(text: string): readonly Prefix[] {
  return text.split("\n").flatMap((line, index) => {
    const [word = ""] = line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/[\s,]/);
    if (word === "") return [];
    const prefix = parsePrefix(word);
    if (prefix === null) throw new SyntaxError(`line ${index + 1}: ${JSON.stringify(word)} is no network`);
    return [prefix];
  });
}

/** Says why a file is no list of networks; null if it is one. */
export function networkFileProblem(path: string): string | null {
  try {
    if (statSync(path).size > mostBytes) return `${path} is larger than 16 MiB`;
    parseNetworks(readFileSync(path, "latin1"));
    return null;
  } catch (error) {
    return error instanceof SyntaxError
      ? `${path}, ${error.message}`
      : `${path} cannot be read: ${errorText(error)}`;
  }
}
