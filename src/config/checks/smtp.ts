import type { SmtpCheck } from "../check-plan.ts";
import { complaint, flag, orElse, orNull, text } from "../schema/fields.ts";
import type { Conflict, Keys } from "./keys.ts";
import { tlsConflict, tlsKeys, tlsOf, tlsWords, type TlsEntry } from "./tls.ts";

/** `check = { type = "smtp", … }`. */

/** The keys as the file has them. */
export interface SmtpEntry extends TlsEntry {
  readonly helo: string | null;
  readonly starttls: boolean;
}

/** RFC 5321 §4.1.1.1: a name, or an address in brackets. */
const helo = text('helo = "lb1.example"').superRefine((value, context) => {
  if (/^(?:[A-Za-z0-9._-]+|\[[0-9A-Za-z.:]+\])$/.test(value)) return;
  context.addIssue(complaint(`${JSON.stringify(value)} is no name of a host`, 'write helo = "lb1.example"'));
});

/** The keys of an SMTP check. */
export const smtpKeys: Keys<SmtpEntry> = {
  helo: orNull(helo),
  starttls: orElse(flag("starttls = true"), false),
  ...tlsKeys,
};

/** Reads an SMTP check. */
export function readSmtp(entry: SmtpEntry): SmtpCheck {
  return { kind: "smtp", helo: entry.helo, tls: entry.starttls ? tlsOf(entry, null) : null };
}

/** Finds keys of TLS where there is none. */
export function smtpConflict(entry: SmtpEntry): Conflict | null {
  return entry.starttls ? null : tlsConflict(entry, "starttls");
}

/** Writes what tells an SMTP check from others. */
export function smtpWords({ helo: name, tls }: SmtpCheck): readonly string[] {
  return [
    ...(name === null ? [] : [`HELO ${name}`]),
    ...(tls === null ? [] : ["STARTTLS", ...tlsWords(tls, null)]),
  ];
}
