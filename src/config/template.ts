import { closest } from "./suggestion.ts";

/** Texts with variables, in nginx's names. PURE. */

const names = [
  "args",
  "host",
  "remote_addr",
  "request_id",
  "request_method",
  "request_uri",
  "scheme",
  "ssl_client_fingerprint",
  "ssl_client_s_dn",
  "ssl_client_serial",
  "ssl_client_verify",
  "uri",
] as const;

/** A variable. */
export type Variable = (typeof names)[number];

/** A piece of a text: as it is, or what a request puts there. */
export type TemplatePart = { readonly text: string } | { readonly variable: Variable };

/** Takes a text apart: `$name`, `${name}`, and `$$` for a dollar sign; throws `SyntaxError` on a name that is none. */
export function parseTemplate(text: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let plain = "";
  let last = 0;
  for (const match of text.matchAll(/\$(?:\$|([A-Za-z_][A-Za-z0-9_]*)|\{([^}]*)\})/g)) {
    plain += text.slice(last, match.index);
    last = match.index + match[0].length;
    const name = match[1] ?? match[2];
    if (name === undefined) {
      plain += "$";
      continue;
    }
    const variable = names.find((known) => known === name);
    if (variable === undefined) throw new SyntaxError(unknownVariable(name));
    if (plain !== "") parts.push({ text: plain });
    parts.push({ variable });
    plain = "";
  }
  plain += text.slice(last);
  return plain === "" ? parts : [...parts, { text: plain }];
}

function unknownVariable(name: string): string {
  const near = closest(name, names);
  const known =
    near === null ? `there are ${names.map((n) => `$${n}`).join(", ")}` : `did you mean $${near}?`;
  return `$${name} is no variable; ${known}`;
}

/** Says what is wrong with a text with variables, and what to write; null if nothing is. */
export function templateProblem(text: string): { readonly what: string; readonly remedy: string } | null {
  try {
    parseTemplate(text);
    return null;
  } catch (error) {
    const [what = "", remedy = ""] = (error as Error).message.split("; ");
    return { what, remedy: `${remedy}${remedy.endsWith("?") ? " Or " : ", or "}write $$ for a dollar sign` };
  }
}
