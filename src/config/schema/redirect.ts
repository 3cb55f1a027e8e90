import { z } from "zod";
import type { RedirectPlan } from "../routing-plan.ts";
import { templateProblem } from "../template.ts";
import { choice, complaint, flag, orElse, orNull, table, text, wants } from "./fields.ts";

const targetExample = 'to = "https://www.shop.example$request_uri"';
const redirectExample = `redirect = { ${targetExample}, status = 301 }, or redirect = { https = true }`;

const target = text(targetExample, 2048).superRefine((value, context) => {
  const problem = templateProblem(value);
  if (problem !== null) context.addIssue(complaint(problem.what, problem.remedy));
  else if (!/^(?:https?:\/\/|\$scheme:\/\/|\/(?!\/)|\$request_uri|\$uri)/.test(value))
    context.addIssue(
      complaint(`${JSON.stringify(value)} leads nowhere`, `write ${targetExample}, or a path`),
    );
  else if (/[^\u0021-\u007e]/.test(value))
    context.addIssue(complaint("has a character that no URL has", "write it as %XX"));
});

const statuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const status = z.int({ error: wants("a status", "status = 301") }).refine((value) => statuses.has(value), {
  error: complaint("is no status of a redirection", "write 301, 302, 303, 307 or 308"),
});

/** `redirect = false`: not here, whatever the site says. */
export const routeRedirectSchema: z.ZodType<RedirectPlan | false> = z
  .unknown()
  .transform((value, context): RedirectPlan | false => {
    if (value === false) return false;
    const result = redirectSchema.safeParse(value);
    if (result.success) return result.data;
    context.issues.push(...(result.error.issues as unknown as typeof context.issues));
    return z.NEVER;
  });

/** `redirect`: a target, or what has to be different. */
export const redirectSchema: z.ZodType<RedirectPlan> = table(
  {
    to: orNull(target),
    status: orElse(status, 301),
    https: orElse(flag("https = true"), false),
    www: orNull(choice(["add", "remove"])),
    trailing_slash: orNull(choice(["add", "remove"])),
  },
  redirectExample,
)
  .superRefine(({ https, to, trailing_slash, www }, context) => {
    const helps = https || www !== null || trailing_slash !== null;
    if (to === null && !helps) context.addIssue(complaint("leads nowhere", `write ${redirectExample}`));
    if (to !== null && helps)
      context.addIssue(complaint("says twice where to go", "write either to, or https, www, trailing_slash"));
  })
  .transform(({ trailing_slash, ...rest }) => ({ ...rest, trailingSlash: trailing_slash }));
