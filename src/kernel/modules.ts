import { hasCode } from "../base/system-error.ts";

/** Asks for a kernel module; whether that helped is seen by asking the kernel again. */
export function loadModule(name: string): void {
  try {
    Bun.spawnSync(["modprobe", name], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  } catch (error) {
    // A system without modprobe has all its modules built in, or none.
    if (!hasCode(error, "ENOENT")) throw error;
  }
}
