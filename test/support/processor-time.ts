import { readFileSync } from "node:fs";

/** What the kernel counts processor time in, to user space: USER_HZ is 100 everywhere. */
const tickMs = 10;

/** Processor time that a process has taken so far, its own and the kernel's for it, in milliseconds. */
export function processorMs(pid: number): number {
  // Its name, in brackets, may hold anything.
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}
