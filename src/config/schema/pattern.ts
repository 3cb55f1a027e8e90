import type { z } from "zod";
import { compilePattern } from "../../base/pattern/compile.ts";
import { GroupMatcher } from "../../base/pattern/groups.ts";
import { errorText } from "../../base/system-error.ts";
import { complaint, text } from "./fields.ts";

/** A regular expression that can be matched in one pass. */
export function pattern(example: string): z.ZodType<string> {
  return checked(example, (value) => void compilePattern(value));
}

/** One whose groups are used. */
export function groupPattern(example: string): z.ZodType<string> {
  return checked(example, (value) => void new GroupMatcher(value));
}

function checked(example: string, compile: (value: string) => void): z.ZodType<string> {
  return text(example, 1024).superRefine((value, context) => {
    try {
      compile(value);
    } catch (error) {
      const what = `${JSON.stringify(value)} is no regular expression that can be matched in one pass: ${errorText(error)}`;
      context.addIssue(complaint(what, `write one like ${example}`));
    }
  });
}
