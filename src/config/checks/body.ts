import { z } from "zod";
import { compilePattern } from "../../base/pattern/compile.ts";
import { errorText } from "../../base/system-error.ts";
import type { BodyTest } from "../check-plan.ts";
import { complaint, orNull, text, wants } from "../schema/fields.ts";
import type { Conflict, Keys } from "./keys.ts";

/** What an answer's body has to be like: `body`, `body_match` or `digest`, one of them. */

/** The three as the file has them. */
export interface BodyEntry {
  readonly body: BodyTest | null;
  readonly body_match: BodyTest | null;
  readonly digest: BodyTest | null;
}

const contains = text('body = "ready"', 1024).transform((value): BodyTest => ({
  kind: "contains",
  text: value,
}));

const matches = text('body_match = "^ready"', 1024).transform((pattern, context): BodyTest => {
  try {
    compilePattern(pattern);
    return { kind: "matches", pattern };
  } catch (error) {
    context.addIssue(
      complaint(
        `${JSON.stringify(pattern)} is no regular expression that can be matched in one pass: ${errorText(error)}`,
        'write one like body_match = "^(ready|ok)", or body = "ready" for the characters as they are',
      ),
    );
    return z.NEVER;
  }
});

const digestExample = 'digest = "md5:…" or digest = "sha256:…", as `edge-ha digest URL` prints them';

const digest = z
  .string({ error: wants("a digest in quotes", digestExample) })
  .transform((value, context): BodyTest => {
    const [, name, hex = ""] = /^(?:(md5|sha256):)?([0-9a-f]+)$/i.exec(value) ?? [];
    const algorithm = hex.length === 32 ? "md5" : hex.length === 64 ? "sha256" : null;
    if (algorithm !== null && (name === undefined || name.toLowerCase() === algorithm)) {
      return { kind: "digest", algorithm, hex: hex.toLowerCase() };
    }
    context.addIssue(
      complaint(
        `${JSON.stringify(value)} is no digest: MD5 has 32 hexadecimal digits, SHA-256 64`,
        `write ${digestExample}`,
      ),
    );
    return z.NEVER;
  });

/** The keys. */
export const bodyKeys: Keys<BodyEntry> = {
  body: orNull(contains),
  body_match: orNull(matches),
  digest: orNull(digest),
};

/** Finds the second of the keys, if there is one. */
export function bodyConflict(entry: BodyEntry): Conflict | null {
  const keys = (["body", "body_match", "digest"] as const).filter((key) => entry[key] !== null);
  const [first, second] = keys;
  if (first === undefined || second === undefined) return null;
  const what = `is a second thing asked of the body beside ${first}`;
  return { key: second, complaint: complaint(what, "leave out one of the two") };
}
