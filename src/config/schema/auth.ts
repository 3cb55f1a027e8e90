import { z } from "zod";
import { toHex } from "../../base/bytes.ts";
import type { HmacKeyPlan } from "../node-plan.ts";
import { choice, complaint, duration, integer, orElse, orNull, table } from "./fields.ts";

/** How advertisements are authenticated; `none` undoes what `[cluster]` says. No message here repeats a secret. */
export type AuthEntry = PassEntry | HmacEntry | { readonly type: "none" };

/** Version 2: a password in clear text. */
export interface PassEntry {
  readonly type: "pass";
  readonly password: string;
}

/** Version 3: a signature that only those who have the key can make. */
export interface HmacEntry {
  readonly type: "hmac";
  readonly keys: readonly HmacKeyPlan[];
  readonly active_key: number | null;
  readonly time_window: number | null;
  readonly anti_replay: "time" | "monotonic";
  readonly mode: "enforce" | "permissive";
}

const passwordExample = 'password = "…" of 1 to 8 characters';

/** RFC 2338 §5.3.10: the authentication data field has 8 bytes. */
const password = z
  .string({
    error: ({ input }) => complaint(wrongKind(input, "a text in quotes"), `write ${passwordExample}`),
  })
  .superRefine((value, context) => {
    const bytes = new TextEncoder().encode(value).length;
    if (bytes === 0) context.addIssue(complaint("is empty", `write ${passwordExample}`));
    if (bytes > 8) {
      const what = `has ${bytes} bytes, but the packet has room for 8`;
      context.addIssue(complaint(what, "shorten it to 8 bytes on every router of the group"));
    }
  });

const passExample = 'auth = { type = "pass", password = "…" }';
const hmacExample = 'auth = { type = "hmac", keys = { 1 = "hex:…" } }';
const leastKeyBytes = 16;
const mostKeyBytes = 64;
const newKey = '`openssl rand -hex 32` makes one to write as "hex:…"';

const key = z.unknown().transform((value, context): string => {
  const problem = keyProblem(value);
  if (problem === null && typeof value === "string") return toHex(keyBytes(value) ?? new Uint8Array());
  context.addIssue(problem ?? complaint("must be a text in quotes", newKey));
  return z.NEVER;
});

function keyProblem(value: unknown): string | null {
  if (typeof value === "object" && value !== null && "file" in value) {
    return complaint(
      "a key in a file of its own is not built yet in this version",
      `write it here; ${newKey}`,
    );
  }
  if (typeof value !== "string") return complaint("must be a text in quotes", newKey);
  const bytes = keyBytes(value);
  if (bytes === null) return complaint('is not pairs of hexadecimal digits behind "hex:"', newKey);
  if (bytes.length < leastKeyBytes) {
    const what = `has ${bytes.length} bytes, too few to withstand guessing`;
    return complaint(what, `use at least ${leastKeyBytes}; ${newKey}`);
  }
  if (bytes.length > mostKeyBytes) {
    return complaint(`has ${bytes.length} bytes, more than ${mostKeyBytes}`, `use 32; ${newKey}`);
  }
  if (new Set(bytes).size > 1) return null;
  return complaint("is one byte again and again, which anybody guesses", newKey);
}

function wrongKind(input: unknown, kind: string): string {
  return input === undefined ? "is missing" : `must be ${kind}`;
}

/** A key's bytes: hexadecimal digits behind `hex:`, or the text itself. */
function keyBytes(value: string): Uint8Array | null {
  if (!value.startsWith("hex:")) return new TextEncoder().encode(value);
  const digits = value.slice("hex:".length);
  return /^(?:[0-9a-fA-F]{2})*$/.test(digits) ? Uint8Array.fromHex(digits) : null;
}

const keyId = z.string().superRefine((value, context) => {
  if (/^[1-9]\d{0,2}$/.test(value) && Number(value) <= 255) return;
  context.addIssue(complaint("is no key id", 'write a number from 1 to 255, as in keys = { 1 = "hex:…" }'));
});

const keys = z
  .record(keyId, key, {
    error: ({ input }) => complaint(wrongKind(input, "a table of key ids and keys"), `write ${hmacExample}`),
  })
  .refine((value) => Object.keys(value).length > 0, {
    error: complaint("has no key", `write keys = { 1 = "hex:…" }; ${newKey}`),
  })
  .transform((value): readonly HmacKeyPlan[] =>
    Object.entries(value)
      .map(([id, hex]) => ({ id: Number(id), hex }))
      .sort((a, b) => a.id - b.id),
  );

/** `auth = { type = "pass" | "hmac" | "none", … }`. */
export const authSchema: z.ZodType<AuthEntry> = z.discriminatedUnion(
  "type",
  [
    table({ type: z.literal("pass"), password }, passExample),
    table(
      {
        type: z.literal("hmac"),
        keys,
        active_key: orNull(integer(1, 255, "active_key = 1")),
        time_window: orNull(duration(1000, 300_000, 'time_window = "30s"')),
        anti_replay: orElse(choice(["time", "monotonic"]), "time"),
        mode: orElse(
          choice(["enforce", "permissive"], { "receive-only": 'use mode = "permissive" meanwhile' }),
          "enforce",
        ),
      },
      hmacExample,
    ),
    table({ type: z.literal("none") }, 'auth = { type = "none" }'),
  ],
  {
    error: (issue) => {
      const type = (issue.input as { readonly type?: unknown } | undefined)?.type;
      if (type === "auth_hmac") return complaint('is called "hmac" here', `write ${hmacExample}`);
      if (type === "ah") {
        return complaint('"ah" is not built', `write ${hmacExample} with vrrp_version = 3`);
      }
      return type === undefined && typeof issue.input === "object"
        ? complaint("is missing", `write ${passExample}, or ${hmacExample} in version 3`)
        : complaint(
            "must be a table that says its type",
            `write ${passExample}, or ${hmacExample} in version 3`,
          );
    },
  },
);
