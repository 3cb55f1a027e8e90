import type { RespondPlan } from "../../config/routing-plan.ts";
import type { PromptGate } from "../admission/gate.ts";
import { compileHeaderRules } from "../headers.ts";
import { variableLines } from "./fields.ts";

/** Makes a gate that answers everything. */
export function compileRespond({ body, headers, status, type }: RespondPlan): PromptGate {
  const bytes = Buffer.from(body);
  const own = { remove: [], set: headers, add: [] };
  const fixed = compileHeaderRules(own).added;
  const varying = variableLines(own);
  const typed = body === "" ? "" : `Content-Type: ${type}\r\n`;
  return (view) => ({
    status,
    fields: `${typed}${fixed}${varying?.(view) ?? ""}`,
    body: bytes,
  });
}
