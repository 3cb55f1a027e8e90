import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { replaceFile } from "../base/replace-file.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import { stateDirectory } from "../kernel/journal.ts";
import type { SavedState } from "./state.ts";

/** Version of the file's form; another one is refused rather than guessed at. */
const formVersion = 1;

const form = z.strictObject({
  version: z.literal(formVersion),
  bootId: z.string().min(1),
  vips: z.array(
    z.strictObject({
      address: z.union([z.ipv4(), z.ipv6()]),
      label: z.string().nullable(),
      hadAddress: z.boolean(),
      hadRoute: z.boolean(),
    }),
  ),
  sysctls: z.array(z.strictObject({ path: z.string(), before: z.string(), set: z.string() })),
  links: z
    .array(
      z.strictObject({
        name: z.string(),
        kind: z.enum(["ipip", "gre", "ip6tnl", "ip6gre", "sit"]),
        hasChecksum: z.boolean(),
        had: z.boolean(),
      }),
    )
    .default([]),
  ports: z
    .array(
      z.strictObject({
        family: z.union([z.literal(4), z.literal(6)]),
        port: z.int().min(1).max(65_535),
        had: z.boolean(),
      }),
    )
    .default([]),
  tunnels: z.array(z.string()).default([]),
});

/** Gives where the state file is unless the operator says otherwise; the directory outlives a reboot. */
export function defaultStatePath(environment: Readonly<Record<string, string | undefined>>): string {
  return join(stateDirectory(environment), "rs.json");
}

/** Reads the state file; null if there is none. Throws on one that cannot be read or makes no sense. */
export function readState(path: string): SavedState | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
  try {
    const { bootId, vips, sysctls, links, ports, tunnels } = form.parse(JSON.parse(text));
    return { bootId, vips, sysctls, links, ports, tunnels };
  } catch (error) {
    const what = error instanceof z.ZodError ? z.prettifyError(error) : errorText(error);
    throw new Error(`the state file ${path} makes no sense: ${what}; look at it, and remove it to go on`, {
      cause: error,
    });
  }
}

/** Replaces the state file so that a crash at any moment leaves the old one or the new one, on the disk. */
export function writeState(path: string, state: SavedState): void {
  const text = JSON.stringify({ version: formVersion, ...state }, null, 2);
  replaceFile(path, `${text}\n`, { mode: 0o600, isDurable: true });
}
