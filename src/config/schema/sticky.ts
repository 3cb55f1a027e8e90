import { z } from "zod";
import { choice, complaint, duration, flag, orElse, orNull, table, text, wants } from "./fields.ts";

/** `sticky = { cookie = "EDGE_HA", secret = "…" }`. */
export interface StickyEntry {
  readonly cookie: string;
  readonly secret: string;
  readonly ttl: number | null;
  readonly path: string;
  readonly secure: boolean;
  readonly http_only: boolean;
  readonly same_site: "lax" | "strict" | "none" | null;
}

const leastSecretLength = 16;

/** RFC 6265 §4.1.1: the name of a cookie is a token. */
const cookieName = text('cookie = "EDGE_HA"', 64).superRefine((value, context) => {
  if (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(value)) return;
  const what = `${JSON.stringify(value)} cannot be the name of a cookie`;
  context.addIssue(complaint(what, 'use letters, digits, "_" and "-", as in cookie = "EDGE_HA"'));
});

const cookiePath = text('path = "/"', 255).superRefine((value, context) => {
  if (/^\/[^;\s]*$/.test(value)) return;
  context.addIssue(complaint(`${JSON.stringify(value)} is no path of a cookie`, 'write path = "/"'));
});

const secret = z
  .string({ error: wants("a text in quotes", 'secret = "…", as from openssl rand -hex 16') })
  .superRefine((value, context) => {
    if (value.length >= leastSecretLength) return;
    const what = `${value.length} characters can be guessed`;
    const remedy = `write ${leastSecretLength} or more, as from openssl rand -hex 16`;
    context.addIssue(complaint(what, remedy));
  });

/** `sticky`. */
export const stickySchema: z.ZodType<StickyEntry> = table(
  {
    cookie: orElse(cookieName, "EDGE_HA"),
    secret,
    ttl: orNull(duration(1_000, 400 * 86_400_000, 'ttl = "8h"')),
    path: orElse(cookiePath, "/"),
    secure: orElse(flag("secure = true"), false),
    http_only: orElse(flag("http_only = true"), true),
    same_site: orNull(choice(["lax", "strict", "none"])),
  },
  'sticky = { cookie = "EDGE_HA", secret = "…" }',
).superRefine(({ same_site: sameSite, secure }, context) => {
  if (sameSite !== "none" || secure) return;
  const message = complaint(
    'browsers drop a cookie with same_site = "none" that is not secure',
    "write secure = true",
  );
  context.addIssue({ code: "custom", path: ["same_site"], message });
});
