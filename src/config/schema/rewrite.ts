import { z } from "zod";
import { GroupMatcher } from "../../base/pattern/groups.ts";
import type { RewritePlan } from "../routing-plan.ts";
import { urlPath } from "./conditions.ts";
import { complaint, orNull, table, wants } from "./fields.ts";
import { groupPattern } from "./pattern.ts";

/** What the path becomes on its way to the server. */
export interface RewriteEntry {
  readonly rewrite: RewritePlan | null;
  readonly strip: string | null;
}

const example =
  'rewrite = { regex = "^/u/([0-9]+)$", to = "/user?id=$1" }, or rewrite = { prefix = "/v1", to = "/api" }';

/** RFC 9112 §3.2: what may stand in a target, and `$` for groups. */
const replacement = z
  .string({ error: wants("a text in quotes", 'to = "/user/$1"') })
  .superRefine((value, context) => {
    if (
      /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2}|\$\{[0-9]+\})*$/.test(value) &&
      value.length <= 1024
    )
      return;
    const what = `${JSON.stringify(value)} cannot stand in the target of a request`;
    context.addIssue(
      complaint(what, 'write other characters as %XX, and groups as $1, as in to = "/user/$1"'),
    );
  });

const rewriteSchema = table(
  {
    prefix: orNull(urlPath('prefix = "/v1"')),
    regex: orNull(groupPattern('regex = "^/u/([0-9]+)$"')),
    to: replacement,
  },
  example,
).transform(({ prefix, regex, to }, context): RewritePlan => {
  const fail = (what: string, remedy: string): never => {
    context.addIssue(complaint(what, remedy));
    return z.NEVER;
  };
  if (prefix !== null && regex !== null) return fail("has both prefix and regex", "leave out one of the two");
  if (prefix !== null) {
    if (/[?$]/.test(to))
      return fail("a prefix has no groups, and no query", "write regex in place of prefix");
    return { kind: "prefix", from: prefix, to };
  }
  if (regex === null) return fail("does not say what to replace", `write ${example}`);
  const { groups } = new GroupMatcher(regex);
  const most = Math.max(0, ...[...to.matchAll(/\$\{?([0-9]+)/g)].map((match) => Number(match[1])));
  if (most > groups)
    return fail(`$${most} is no group: the pattern has ${groups}`, "put what it is to hold in (…)");
  if (/\$(?![0-9]|\{[0-9]+\})/.test(to))
    return fail('"$" without the number of a group', "write %24 for a dollar sign");
  if (to.split("?").length > 2) return fail("has two question marks", "write the second one as %3F");
  return { kind: "pattern", pattern: regex, to };
});

/** The keys. */
export const rewriting: { readonly [Key in keyof RewriteEntry]: z.ZodType<RewriteEntry[Key]> } = {
  rewrite: orNull(rewriteSchema),
  strip: orNull(urlPath('strip = "/api"')),
};

/** Makes one of the two. */
export function rewritePlan({ rewrite, strip }: RewriteEntry): RewritePlan | null {
  return strip === null ? rewrite : { kind: "prefix", from: strip, to: "" };
}
