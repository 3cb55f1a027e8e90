import type { RouteLimitsPlan } from "../../config/http-plan.ts";
import type { PromptGate } from "../admission/gate.ts";
import { plainAnswer } from "../answer.ts";

const any = Number.POSITIVE_INFINITY;
const uriTooLong = plainAnswer(414);
const headTooLarge = plainAnswer(431);

/** Makes a gate that keeps out requests whose heads are longer than a route takes: RFC 9110 §15.5.15, RFC 6585 §5. */
export function compileHeadLimits(plan: RouteLimitsPlan): PromptGate {
  const startLineBytes = plan.startLineBytes ?? any;
  const headBytes = plan.headBytes ?? any;
  const mostFields = plan.fields ?? any;
  return ({ fields }) => {
    const { count, text } = fields;
    if (text.indexOf("\r") > startLineBytes) return uriTooLong;
    return text.length > headBytes || count > mostFields ? headTooLarge : null;
  };
}
