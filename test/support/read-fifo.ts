import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Host, waitFor } from "./lab.ts";

/** Keeps a FIFO open for reading, and writes what comes into a file. */
export async function readFifo(
  host: Host,
  name: string,
): Promise<{ fifo: string; lines: () => readonly string[] }> {
  const fifo = join(host.directory, name);
  const file = `${fifo}.txt`;
  await host.run(["mkfifo", fifo]);
  host.spawn(["bash", "-c", `exec 3<>${fifo}; exec cat <&3 >${file}`]);
  await waitFor("the FIFO is read", () => existsSync(file));
  return { fifo, lines: () => linesOf(file) };
}

/** Gives the lines of a file that may not be there yet. */
export function linesOf(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}
