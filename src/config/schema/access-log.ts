import { z } from "zod";
import type { Endpoint } from "../../base/address.ts";
import { isLogPieces, namedFormats, parseLogFormat, type LogEscape } from "../log-format.ts";
import { choice, complaint, orElse, orNull, parseEndpoint, table, text } from "./fields.ts";

/** `access_log`: where lines go, and what stands in them. */
export interface AccessLogEntry {
  readonly path: string | null;
  /** A string is the path of a socket. */
  readonly syslog: Endpoint | string | null;
  readonly tag: string;
  readonly format: string;
  readonly escape: LogEscape | null;
}

const example = 'access_log = { path = "/var/log/edge-ha/access.log", format = "main" }';
const syslogExample = 'syslog = "127.0.0.1:514", or syslog = "/dev/log"';

const format = text('format = "main"', 4096).superRefine((value, context) => {
  if (Object.hasOwn(namedFormats, value)) return;
  const parsed = parseLogFormat(value);
  if (!isLogPieces(parsed)) context.addIssue(complaint(parsed.what, parsed.remedy));
});

const syslog = text(syslogExample, 107).transform((value, context): Endpoint | string => {
  if (/^\/.*[^/]$/.test(value)) return value;
  const found = parseEndpoint(value);
  if (found !== null) return found;
  context.addIssue(complaint(`${JSON.stringify(value)} is no address with a port`, `write ${syslogExample}`));
  return z.NEVER;
});

const logTable = table(
  {
    path: orNull(
      text(example, 4096).refine((value) => value === "stdout" || /^\/.*[^/]$/.test(value), {
        error: complaint("is not the absolute path of a file", `write ${example}, or path = "stdout"`),
      }),
    ),
    syslog: orNull(syslog),
    tag: orElse(
      text('tag = "edge-ha"', 32).refine((value) => /^[A-Za-z0-9_.-]+$/.test(value), {
        error: complaint(
          "has characters that a syslog tag cannot have",
          'write letters and digits, as in tag = "shop"',
        ),
      }),
      "edge-ha",
    ),
    format: orElse(format, "main"),
    escape: orNull(choice(["default", "json", "none"])),
  },
  example,
).superRefine(({ path, syslog: to, tag }, context) => {
  if (path === null && to === null) context.addIssue(complaint("says not where to", `write ${example}`));
  if (path !== null && to !== null)
    context.addIssue(complaint("has both path and syslog", "remove one of them"));
  if (to === null && tag !== "edge-ha") {
    context.addIssue({
      code: "custom",
      path: ["tag"],
      message: complaint("is for syslog alone", "remove it"),
    });
  }
});

/** `access_log`; `false` keeps none. */
export const accessLogSchema: z.ZodType<AccessLogEntry | false> = z
  .unknown()
  .transform((value, context): AccessLogEntry | false => {
    if (value === false) return false;
    const result = logTable.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) context.addIssue({ ...issue });
    return z.NEVER;
  });
