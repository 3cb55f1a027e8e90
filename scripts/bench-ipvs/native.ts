import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { processorMs } from "../../test/support/processor-time.ts";
import { runCommand } from "../../test/support/lab-command.ts";
import { commandOf, contenders, type Contender } from "./contenders.ts";

/**
 * The first load of both daemons on this machine, from the start of the process to the last change, before a kernel that has
 * no table: what they send to IPVS goes to the real kernel as a message that it only acknowledges (`stand-in.c`).
 */

const rounds = 5;
const changesWanted = 2_277 + 37_205;
const namespace = "edge-ha-bench-ipvs";
const patienceMs = 60_000;

/** What one first load took, in milliseconds. */
interface FirstLoad {
  readonly wall: number;
  /** Processor time of all its processes. */
  readonly processor: number;
  readonly sends: number;
}

export async function benchNative(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "edge-ha-bench-"));
  try {
    const tally = join(folder, "tally");
    await buildStandIn(folder, tally);
    for (const { name, text } of contenders) await Bun.write(join(folder, name), text(1));
    await mustRun(["ip", "netns", "add", namespace]);
    const loads = new Map<string, FirstLoad[]>();
    for (let round = 0; round < rounds; round++) {
      for (const contender of contenders) {
        const load = await firstLoad(contender, folder, tally);
        loads.set(contender.name, [...(loads.get(contender.name) ?? []), load]);
      }
    }
    const medians = contenders.map(({ name }) => show(name, loads.get(name) ?? []));
    const [theirs = Number.NaN, ours = Number.NaN] = medians;
    const bar = ours <= theirs ? "met" : "MISSED";
    console.log(`native, first load: ratio ${(ours / theirs).toFixed(2)}; bar ≤ keepalived's time: ${bar}`);
  } finally {
    await runCommand(["ip", "netns", "delete", namespace]);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Compiles what stands in for the kernel, and makes the `/etc` whose `ld.so.preload` names it. */
async function buildStandIn(folder: string, tally: string): Promise<void> {
  const library = join(folder, "stand-in.so");
  const source = join(import.meta.dir, "stand-in.c");
  await mustRun(["gcc", "-O2", "-shared", "-fPIC", `-DTALLY="${tally}"`, "-o", library, source]);
  await mkdir(join(folder, "etc"));
  await Bun.write(join(folder, "etc/ld.so.preload"), `${library}\n`);
}

async function firstLoad(contender: Contender, folder: string, tally: string): Promise<FirstLoad> {
  await Bun.write(tally, new Uint8Array(32));
  const command = commandOf(contender, join(folder, contender.name), folder);
  const script = 'mount -t overlay -o "lowerdir=$1/etc:/etc" overlay /etc && shift && exec "$@"';
  const inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", folder];
  const daemon = Bun.spawn(["ip", "netns", "exec", namespace, ...inside, ...command], {
    stdio: ["ignore", "ignore", Bun.file(join(folder, "log"))],
    env: { ...process.env, ...contender.environment, EDGE_HA_STATE_DIRECTORY: join(folder, "state") },
  });
  try {
    const end = performance.now() + patienceMs;
    for (;;) {
      const { startedNs, changedNs, changes, sends } = readTally(tally);
      if (changes >= changesWanted) {
        const processor = family(daemon.pid).reduce((sum, pid) => sum + processorMs(pid), 0);
        return { wall: Number(changedNs - startedNs) / 1e6, processor, sends };
      }
      if (daemon.exitCode !== null || performance.now() > end)
        throw new Error(
          `${contender.name}: ${changes} changes: ${await Bun.file(join(folder, "log")).text()}`,
        );
      await Bun.sleep(20);
    }
  } finally {
    daemon.kill("SIGTERM");
    await daemon.exited;
  }
}

interface Tally {
  readonly startedNs: bigint;
  readonly changedNs: bigint;
  readonly changes: number;
  readonly sends: number;
}

function readTally(path: string): Tally {
  const bytes = readFileSync(path);
  const field = (index: number): bigint => bytes.readBigUInt64LE(8 * index);
  return { startedNs: field(0), changedNs: field(1), changes: Number(field(2)), sends: Number(field(3)) };
}

/** A process and those it has started. */
function family(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean);
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

/** Gives the median. */
function show(name: string, loads: readonly FirstLoad[]): number {
  const sorted = loads.toSorted((one, other) => one.wall - other.wall);
  const middle = sorted[sorted.length >> 1];
  if (middle === undefined) return Number.NaN;
  const walls = sorted.map(({ wall }) => Math.round(wall)).join(", ");
  const load = loadavg()[0]?.toFixed(1);
  console.log(
    `native, ${name}: first load ${walls} ms; of the median ${middle.processor} ms of processor time and ${middle.sends} calls to send; the machine's load ${load}`,
  );
  return middle.wall;
}

async function mustRun(command: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runCommand(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
}
