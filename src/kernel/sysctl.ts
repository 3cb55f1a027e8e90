import { readFileSync, writeFileSync } from "node:fs";
import { assert } from "../base/assert.ts";
import { SystemError, hasCode } from "../base/system-error.ts";

/** Reads a kernel setting, such as `net/ipv4/conf/all/arp_ignore`, without the line feed at its end. */
export function readSysctl(path: string): string {
  return attempt("read", path, (file) => readFileSync(file, "utf8").replace(/\n$/, ""));
}

/** Writes a kernel setting of this network namespace. */
export function writeSysctl(path: string, value: string): void {
  attempt("write", path, (file) => writeFileSync(file, `${value}\n`));
}

function attempt<T>(call: string, path: string, act: (file: string) => T): T {
  // An interface's name is part of the path, and may hold anything but a slash and white space.
  const isPath = path.split("/").every((part) => /^\S+$/.test(part) && part !== "." && part !== "..");
  assert(isPath, `sysctl path ${path}`);
  const file = `/proc/sys/${path}`;
  try {
    return act(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && hasCode(error, String(error.code))) {
      throw new SystemError(call, String(error.code), file);
    }
    throw error;
  }
}
