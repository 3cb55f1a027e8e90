import { prefixContains } from "../../base/address.ts";
import type { MaintenancePlan } from "../../config/content-plan.ts";
import type { Pages } from "../../ipc/pages.ts";
import { plainAnswer, type Answer } from "../answer.ts";
import type { PromptGate } from "../admission/gate.ts";
import { shownPage } from "./error-pages.ts";

/** Answers everybody 503 but those who are let through (RFC 9110 §15.6.4). */
export function maintenanceGate({ allow, page, retryAfterS }: MaintenancePlan, pages: Pages): PromptGate {
  const usual = plainAnswer(503);
  const { body, fields } = page === null ? usual : shownPage(page, pages);
  const retry = retryAfterS === null ? "" : `Retry-After: ${retryAfterS}\r\n`; // RFC 9110 §10.2.3
  const answer: Answer = { status: 503, fields: `${fields}${retry}Cache-Control: no-store\r\n`, body };
  return ({ client }) => (allow.some((prefix) => prefixContains(prefix, client)) ? null : answer);
}
