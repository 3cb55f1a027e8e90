import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { largeTable } from "../../test/support/large-table.ts";
import { contenders, type Contender } from "./contenders.ts";

/**
 * Both daemons before a kernel with IPVS that is a process of this machine: user-mode Linux, one boot for each. What they
 * compute runs as fast as outside; system calls take some 70 µs there, and each page that is touched first as long.
 */

const modulesFolder = "/usr/lib/uml/modules";
const memory = "3072M";
const patienceMs = 240_000;

/** What a load took, in milliseconds. */
interface UmlLoad {
  readonly wall: number;
  readonly servers: number;
  readonly user: number;
  readonly system: number;
}

interface UmlLoads {
  readonly first: UmlLoad;
  readonly reload: UmlLoad;
}

export async function benchUml(): Promise<void> {
  const results: UmlLoads[] = [];
  for (const contender of contenders) {
    const loads = await runIn(contender);
    console.log(`uml, ${contender.name}: first load ${textOf(loads.first)}; reload ${textOf(loads.reload)}`);
    results.push(loads);
  }
  const [theirs, ours] = results;
  if (theirs === undefined || ours === undefined) return;
  const ratio = (of: keyof UmlLoads): string => (ours[of].wall / theirs[of].wall).toFixed(2);
  const load = loadavg()[0]?.toFixed(1);
  console.log(
    `uml, ratios: first load ${ratio("first")}, reload ${ratio("reload")}; the machine's load ${load}`,
  );
}

async function runIn(contender: Contender): Promise<UmlLoads> {
  const { environment, name, program, text, words } = contender;
  const folder = await mkdtemp(join(tmpdir(), "edge-ha-bench-"));
  try {
    await Bun.write(join(folder, "modules"), modules("ip_vs", "ip_vs_wrr").join("\n"));
    for (const weight of [1, 2]) await Bun.write(join(folder, `${name}.${weight}`), text(weight));
    const script = join(import.meta.dir, "uml-load.sh");
    const command = [
      script,
      folder,
      name,
      lastPlace(),
      program,
      ...words(`/run/bench/${name}`, "/run/bench"),
    ];
    const settings = Object.entries(environment).map(([variable, value]) => `${variable}=${value}`);
    await Bun.write(join(folder, "job"), `exec ${["env", ...settings, "bash", ...command].join(" ")}\n`);
    const machine = Bun.spawn(
      [
        ["linux.uml", `mem=${memory}`, `uml_dir=${folder}`, "rootfstype=hostfs", "rootflags=/", "ro"],
        [`init=${join(import.meta.dir, "uml-init.sh")}`, "con=null", "con0=fd:0,fd:1", "quiet"],
        ["net.ifnames=0", `bench=${join(folder, "job")}`],
      ].flat(),
      { stdio: ["ignore", "pipe", "ignore"], timeout: patienceMs },
    );
    return readLoads(await machine.stdout.text(), name);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The files of kernel modules and of what these need, in the order in which they are loaded. */
function modules(...names: readonly string[]): readonly string[] {
  const [version] = existsSync(modulesFolder) ? readdirSync(modulesFolder) : [];
  if (version === undefined) throw new Error(`${modulesFolder} is empty: run scripts/setup --for bench`);
  const folder = join(modulesFolder, version);
  const lines = readFileSync(join(folder, "modules.dep"), "utf8").split("\n");
  const files = names.flatMap((name) => {
    const line = lines.find((one) => one.includes(`/${name}.ko:`)) ?? "";
    return line.replace(":", "").trim().split(" ").toReversed();
  });
  return [...new Set(files)].map((file) => join(folder, file));
}

/** The last server as /proc/net/ip_vs has it. */
function lastPlace(): string {
  const address = largeTable(1).at(-1)?.servers.at(-1)?.address ?? "";
  const bytes = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return `${bytes.join("")}:0050`.toUpperCase();
}

function readLoads(output: string, name: string): UmlLoads {
  const read = (word: string): UmlLoad => {
    const line = output.split(/\r?\n/).find((one) => one.startsWith(`${name} ${word}`));
    if (line === undefined) throw new Error(`user-mode Linux: ${output.slice(-2_000)}`);
    const [, label = "", ...fields] = line.split(" ");
    const [wall = Number.NaN, servers = Number.NaN, user = 0, system = 0] = fields.map(Number);
    // Of a reload: what the processes had taken before it.
    const [userBefore = 0, systemBefore = 0] = label.replace(/^\D*/, "").split("+").map(Number);
    return { wall, servers, user: 10 * (user - userBefore), system: 10 * (system - systemBefore) };
  };
  return { first: read("first"), reload: read("reload") };
}

function textOf({ wall, servers, user, system }: UmlLoad): string {
  return `${wall} ms (${servers} servers; processor time ${user} ms, and the kernel's ${system} ms)`;
}
