import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { largeFile, largeKeepalivedFile } from "../../test/support/large-table.ts";

/** A daemon that fills the kernel's table from a file. */
export interface Contender {
  readonly name: "keepalived" | "edge-ha";
  /** The program on this machine. */
  readonly program: string;
  /** Its words for a run whose files are in a folder. */
  readonly words: (file: string, folder: string) => readonly string[];
  /** What it is told by its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Its file of the large table; the weight is that of the last server. */
  readonly text: (weight: number) => string;
}

export const contenders: readonly [theirs: Contender, ours: Contender] = [
  {
    name: "keepalived",
    program: Bun.which("keepalived") ?? "/usr/sbin/keepalived",
    words: (file, folder) =>
      ["-n", "-C", "-f", file].concat("-p", `${folder}/keepalived.pid`, "-c", `${folder}/checkers.pid`),
    environment: {},
    text: largeKeepalivedFile,
  },
  {
    name: "edge-ha",
    program: resolve(import.meta.dir, "../../dist/edge-ha"),
    words: (file, folder) =>
      ["--socket", `${folder}/edge-ha.sock`, "serve"].concat("--config", file, "--node", "lb1"),
    environment: runtimeSettings(),
    text: largeFile,
  },
];

/** What the unit that starts it tells the runtime. */
function runtimeSettings(): Readonly<Record<string, string>> {
  const unit = readFileSync(resolve(import.meta.dir, "../../systemd/edge-ha.service"), "utf8");
  return Object.fromEntries(
    [...unit.matchAll(/^Environment=(BUN_JSC_\w+)=(.*)$/gm)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]),
  );
}

/** Gives the command line of a contender. */
export function commandOf({ program, words }: Contender, file: string, folder: string): readonly string[] {
  return [program, ...words(file, folder)];
}
