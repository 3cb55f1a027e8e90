import { z } from "zod";
import type { RespondPlan } from "../routing-plan.ts";
import { complaint, integer, orElse, table, text, wants } from "./fields.ts";
import { answerFields, fieldPairs } from "./header-rules.ts";

const example = 'respond = { status = 403, body = "Forbidden\\n" }';
const mostBody = 65_536;

/** `respond`: an answer without a server. */
export const respondSchema: z.ZodType<RespondPlan> = table(
  {
    status: integer(200, 599, "status = 200").refine((value) => value !== 304, {
      error: complaint("304 is for whoever has what did not change", "write another status"),
    }),
    body: orElse(
      z.string({ error: wants("a text in quotes", 'body = "ok\\n"') }).max(mostBody, {
        error: complaint(`is longer than ${mostBody} characters`, "let a server answer with it"),
      }),
      "",
    ),
    type: orElse(
      text('type = "text/html; charset=utf-8"').refine((value) => /^[!-~]+\/[ -~]+$/.test(value), {
        error: complaint("is no media type", 'write one like type = "application/json"'),
      }),
      "text/plain; charset=utf-8",
    ),
    headers: answerFields,
  },
  example,
)
  .superRefine(({ body, status }, context) => {
    if (body === "" || status !== 204) return;
    const what = `a response with ${status} has no body (RFC 9110 §15)`;
    context.addIssue({ code: "custom", message: complaint(what, "leave it out"), path: ["body"] });
  })
  .transform(({ headers, ...rest }) => ({ ...rest, headers: fieldPairs(headers) }));
