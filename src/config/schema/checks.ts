import { z } from "zod";
import type { CheckConfig } from "../config.ts";
import { checkSchema } from "./check.ts";
import { complaint } from "./fields.ts";
import { doubt, listShortcut, shortcutOf, late } from "./shortcut.ts";

const example = 'check = { type = "tcp" }, or check = [{ type = "tcp" }, { type = "http", port = 8080 }]';

/** More than anybody needs of one server, so that a runaway generator is told early. */
const mostChecks = 16;

const one = shortcutOf(checkSchema);
const several = listShortcut(checkSchema, 1);

/** `check = { … }` or `check = [{ … }, { … }]`; what is wrong is said at its own place in either form. */
export const checksSchema: z.ZodType<readonly CheckConfig[]> = late(
  () =>
    z.unknown().transform((input, context) => {
      const isList = Array.isArray(input);
      const entries: readonly unknown[] = isList ? input : [input];
      if (entries.length === 0 || entries.length > mostChecks) {
        const what = entries.length === 0 ? "is an empty list" : `has more than ${mostChecks} checks`;
        context.issues.push({ code: "custom", message: complaint(what, `write ${example}`), input });
        return z.NEVER;
      }
      return entries.flatMap((entry, index): readonly CheckConfig[] => {
        const read = checkSchema.safeParse(entry);
        if (read.success) return [read.data];
        for (const issue of read.error.issues) {
          const { message } = issue;
          const path = [...(isList ? [index] : []), ...issue.path];
          if (issue.code === "unrecognized_keys")
            context.issues.push({ code: issue.code, keys: issue.keys, message, path, input: {} });
          else context.issues.push({ code: "custom", message, path, input });
        }
        return [];
      });
    }),
  (input) => {
    if (!Array.isArray(input)) {
      const check = one(input);
      return check === doubt ? doubt : [check];
    }
    return input.length > mostChecks ? doubt : several(input);
  },
);
