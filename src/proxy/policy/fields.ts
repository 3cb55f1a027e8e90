import type { HeaderRulesPlan } from "../../config/http-plan.ts";
import type { Answer } from "../answer.ts";
import type { BodyPiece } from "../body-piece.ts";
import type { ResponseSink, ResponseStart } from "../exchange-client.ts";
import type { HeaderRules } from "../headers.ts";
import { ResponseChange } from "../response-change.ts";
import type { ResponseFilter } from "../snapshot.ts";
import { compileTemplate, fixedText, type Template } from "./variables.ts";

/** Field lines that depend on the request. */

// RFC 9110 §5.5. A horizontal tab may stand in a value.
// eslint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** Makes the lines of rules with variables ready; null if there are none. A line without a value is left out, and one that would not be a line. */
export function variableLines(plan: HeaderRulesPlan): Template | null {
  const lines = [...plan.set, ...plan.add]
    .filter(([, value]) => fixedText(value) === null)
    .map(([name, value]) => ({ name, expand: compileTemplate(value) }));
  if (lines.length === 0) return null;
  return (view) =>
    lines
      .map(({ expand, name }) => {
        const value = expand(view).trim();
        return value === "" || forbidden.test(value) ? "" : `${name}: ${value}\r\n`;
      })
      .join("");
}

/**
 * Adds lines to an answer of the proxy's own, but for what that says itself: the type of its body, or where the client is
 * to go. Of an error nobody is to keep more than it allows.
 */
export function withLines(answer: Answer, lines: string): Answer {
  if (lines === "") return answer;
  const own = `\r\n${answer.fields.toLowerCase()}`;
  const added = lines.split("\r\n").filter((line) => {
    const name = line.slice(0, line.indexOf(":")).toLowerCase();
    if (answer.status >= 400 && (name === "cache-control" || name === "expires")) return false;
    return line !== "" && (name === "vary" || !own.includes(`\r\n${name}:`));
  });
  return { ...answer, fields: answer.fields + added.map((line) => `${line}\r\n`).join("") };
}

/** Makes a filter that adds lines to responses. */
export function addingLines(lines: Template): ResponseFilter {
  return (view, client) => {
    const added = lines(view);
    return added === "" ? null : new FieldChange(client, { removed: null, added });
  };
}

/** Changes the fields of a response, and leaves its body alone. */
export class FieldChange extends ResponseChange {
  private readonly rules: HeaderRules;

  constructor(client: ResponseSink, rules: HeaderRules) {
    super(client);
    this.rules = rules;
  }

  override sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    const { added, removed } = this.rules;
    const before = start.rules;
    const rules = {
      removed: removed === null ? before.removed : new Set([...(before.removed ?? []), ...removed]),
      added: before.added + added,
    };
    return this.client.sendResponse({ ...start, rules }, piece, isLast);
  }

  override changed(answer: Answer): Answer {
    return this.passedOn(withLines(answer, this.rules.added));
  }
}
