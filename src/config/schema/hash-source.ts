import { z } from "zod";
import type { HashSource } from "../upstream-policy.ts";
import { complaint, wants } from "./fields.ts";

const example = 'hash = "header:X-Tenant", "cookie:session", "query:id", "uri" or "path"';

/** Reads `header:X-Tenant`, `cookie:session`, `query:id`, `uri` or `path`; null if it is none of them. */
export function readHashSource(value: string): HashSource | null {
  if (value === "uri" || value === "path") return { kind: value };
  const match = /^(header|cookie|query):([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64})$/.exec(value);
  const [, kind, name = ""] = match ?? [];
  if (kind === "header") return { kind, name: name.toLowerCase() };
  return kind === "cookie" || kind === "query" ? { kind, name } : null;
}

/** `hash`. */
export const hashSourceSchema: z.ZodType<HashSource> = z
  .string({ error: wants("a text in quotes", example) })
  .transform((value, context): HashSource => {
    const found = readHashSource(value);
    if (found !== null) return found;
    context.addIssue(complaint(`${JSON.stringify(value)} names nothing of a request`, `write ${example}`));
    return z.NEVER;
  });
