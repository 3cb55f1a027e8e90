import type { RespondPlan } from "../../config/routing-plan.ts";
import type { PromptGate } from "../admission/gate.ts";
import { compileHeaderRules } from "../headers.ts";
import { variableLines } from "./fields.ts";
import type { Template } from "./variables.ts";

/** Makes a gate that answers everything; `lines` are further fields of its answers. */
export function compileRespond({ body, headers, status, type }: RespondPlan, lines: Template): PromptGate {
  const bytes = Buffer.from(body);
  const own = { remove: [], set: headers, add: [] };
  const fixed = compileHeaderRules(own).added;
  const varying = variableLines(own);
  const typed = body === "" ? "" : `Content-Type: ${type}\r\n`;
  return (view) => ({
    status,
    fields: `${typed}${fixed}${varying?.(view) ?? ""}${lines(view)}`,
    body: bytes,
  });
}
