import type { ScriptCheck } from "../check-plan.ts";
import { command, flag, orElse, orNull, text } from "../schema/fields.ts";
import type { Keys } from "./keys.ts";

/** `check = { type = "script", … }`, as keepalived's MISC_CHECK. */

/** The keys as the file has them. */
export interface ScriptEntry {
  readonly script: readonly string[];
  readonly user: string | null;
  readonly dynamic_weight: boolean;
}

/** The keys of a script check. */
export const scriptKeys: Keys<ScriptEntry> = {
  script: command('script = "/usr/local/bin/check-shop"'),
  user: orNull(text('user = "nobody"', 32)),
  dynamic_weight: orElse(flag("dynamic_weight = true"), false),
};

/** Reads a script check. */
export function readScript({ script, user, dynamic_weight: setsWeight }: ScriptEntry): ScriptCheck {
  return { kind: "script", command: script, user, setsWeight };
}

/** Writes what tells a script check from others. */
export function scriptWords({ command: words, user, setsWeight }: ScriptCheck): readonly string[] {
  return [
    words.map((word) => (/\s/.test(word) ? JSON.stringify(word) : word)).join(" "),
    ...(user === null ? [] : [`as ${user}`]),
    ...(setsWeight ? ["with weight"] : []),
  ];
}
