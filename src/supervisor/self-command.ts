import { fileURLToPath } from "node:url";
import type { Role } from "../ipc/messages.ts";

/** The internal argument that makes this executable run as one of its children. */
export const roleArgument = "__role";

/** Gives the command line that starts this very program, compiled or not, with these arguments. */
export function selfCommand(...words: readonly string[]): string[] {
  const main = Bun.isStandaloneExecutable ? [] : [fileURLToPath(new URL("../main.ts", import.meta.url))];
  return [process.execPath, ...main, ...words];
}

/** Gives the command line that starts this very program in a role. */
export function roleCommand(role: Role): string[] {
  return selfCommand(roleArgument, role);
}
