import { z } from "zod";
import type { Prefix } from "../../base/address.ts";
import type { ValueTestPlan } from "../routing-plan.ts";
import { complaint, orElse, orNull, prefix, table, text, wants } from "./fields.ts";
import { pattern } from "./pattern.ts";

/** Which requests a route takes. */
export interface ConditionsEntry {
  readonly path: string | null;
  readonly exact: string | null;
  readonly regex: string | null;
  readonly methods: readonly string[];
  readonly headers: Readonly<Record<string, ValueTestPlan>>;
  readonly query: Readonly<Record<string, ValueTestPlan>>;
  readonly source: readonly Prefix[];
}

/** RFC 3986 §3.3: an absolute path, in the characters that may stand there unencoded or as %XX. */
export function urlPath(example: string): z.ZodType<string> {
  return text(example, 1024).superRefine((value, context) => {
    if (/^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/.test(value)) return;
    context.addIssue(
      complaint(
        `${JSON.stringify(value)} is no path`,
        `write it with a leading "/" and without query, as in ${example}`,
      ),
    );
  });
}

/** A list of methods; RFC 9110 §9.1: they are tokens, and case matters. */
export function methods(example: string): z.ZodType<readonly string[]> {
  const method = z.string({ error: wants("a method in quotes", example) }).superRefine((value, context) => {
    if (/^[A-Z][A-Z0-9-]*$/.test(value)) return;
    const what = `${JSON.stringify(value)} is no method`;
    context.addIssue(complaint(what, `write it in capital letters, as in ${example}`));
  });
  return z
    .array(method, { error: wants("a list of methods", example) })
    .min(1, { error: complaint("is an empty list", `write ${example}, or leave it out`) });
}

/** A list of networks. */
export function networks(example: string): z.ZodType<readonly Prefix[]> {
  return z
    .array(prefix(example), { error: wants("a list of networks", example) })
    .min(1, { error: complaint("is an empty list", `write ${example}, or leave it out`) });
}

const testExample = 'true (there is one), false (there is none), "text", or { regex = "^text" }';

const valueTest = z.unknown().transform((value, context): ValueTestPlan => {
  if (typeof value === "boolean") return { kind: value ? "present" : "absent" };
  if (typeof value === "string") return { kind: "text", text: value };
  const result = table({ regex: pattern('{ regex = "^text" }') }, testExample).safeParse(value);
  if (result.success) return { kind: "pattern", pattern: result.data.regex };
  for (const { code, message, path, input } of result.error.issues)
    context.addIssue(
      code === "unrecognized_keys" || path.length === 0
        ? wants("true, false, a text or a table with regex", testExample)({ input: input ?? value })
        : { code: "custom", message, path: [...path] },
    );
  return z.NEVER;
});

function tests(example: string): z.ZodType<Readonly<Record<string, ValueTestPlan>>> {
  return orElse(
    z.record(z.string().min(1, { error: complaint("is an empty name", `write ${example}`) }), valueTest, {
      error: wants("a table of names and values", example),
    }),
    {},
  );
}

/** The keys. */
export const conditions: { readonly [Key in keyof ConditionsEntry]: z.ZodType<ConditionsEntry[Key]> } = {
  path: orNull(urlPath('path = "/api"')),
  exact: orNull(urlPath('exact = "/login"')),
  regex: orNull(pattern('regex = "^/u/[0-9]+$"')),
  methods: orElse(methods('methods = ["GET", "HEAD"]'), []),
  headers: tests('headers = { X-Beta = "yes" }'),
  query: tests('query = { version = "2" }'),
  source: orElse(networks('source = ["10.0.0.0/8"]'), []),
};
