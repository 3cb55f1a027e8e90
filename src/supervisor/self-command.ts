import { readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import type { Role } from "../ipc/messages.ts";

/** The internal argument that makes this executable run as one of its children. */
export const roleArgument = "__role";

/** What runs in this process, wherever its file is now, if it is anywhere. */
const running = "/proc/self/exe";

/**
 * Where this program was started from, as it was called: a link may lead to the next version by now. Looked up while the file is
 * there: the runtime asks the kernel, which tells of a file that is replaced that it is deleted.
 */
export const installedPath: string =
  Bun.isStandaloneExecutable && isAbsolute(process.argv0) ? process.argv0 : process.execPath;

const script = Bun.isStandaloneExecutable ? [] : [fileURLToPath(new URL("../main.ts", import.meta.url))];

/** Gives the command line that starts what is installed now where this program was started from, with these arguments. */
export function installedCommand(...words: readonly string[]): string[] {
  return [installedPath, ...script, ...words];
}

/**
 * Gives the command line that starts this very program in a role, also where another version has been installed since: the
 * two need not understand each other, and that one may not run at all.
 */
export function roleCommand(role: Role): string[] {
  const path = isSameFile(installedPath, running) ? installedPath : running;
  return [path, ...script, roleArgument, role];
}

/** Has the process go by the program's name in `ps` and `top` where it was started by another path. */
export function keepName(): void {
  try {
    const path = "/proc/self/comm";
    if (readFileSync(path, "utf8") === `${basename(running)}\n`) writeFileSync(path, basename(installedPath));
  } catch {
    // A name is not worth more.
  }
}

function isSameFile(one: string, other: string): boolean {
  try {
    const [a, b] = [statSync(one), statSync(other)];
    return a.ino === b.ino && a.dev === b.dev;
  } catch {
    return false;
  }
}
