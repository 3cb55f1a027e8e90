import { realpathSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { systemClock } from "../src/base/clock.ts";
import { silentLog } from "../src/base/log.ts";
import { planNode } from "../src/config/plan.ts";
import type { DirectorPlan } from "../src/config/node-plan.ts";
import { readConfig } from "../src/config/read.ts";
import { SectionMemory } from "../src/config/section-memory.ts";
import { Director } from "../src/director/director.ts";
import { changedDirectorPlan } from "../src/ipc/director-change.ts";
import type { ToDirector } from "../src/ipc/messages.ts";
import { planOfText } from "../src/ipc/plan-text.ts";
import { Ipvs } from "../src/kernel/ipvs.ts";
import { NetlinkConnection } from "../src/kernel/netlink/connection.ts";
import { DirectorOrders } from "../src/supervisor/director-orders.ts";
import { largeFile, largeKeepalivedFile, largeTable } from "../test/support/large-table.ts";
import { processorMs } from "../test/support/processor-time.ts";
import { TablePort } from "../test/support/table-port.ts";
import { Guest } from "../test/vm/guest.ts";

/**
 * 2,277 services with 37,205 servers: the first load, and a reload with one weight changed. On this machine, from the file
 * to the answer of a director process before a kernel that is none but answers with as many bytes; and in an
 * emulated machine beside keepalived before a real one, where only the ratio tells anything. `host` or `guest` picks one.
 */

interface Answer {
  readonly changes: number;
}

/** The director of the part on this machine, in a process of its own. */
function runDirector(): void {
  const port = new TablePort();
  const director = new Director({
    log: silentLog,
    clock: systemClock,
    prober: {
      configure: () => undefined,
      verdict: () => null,
      weightWord: () => null,
      close: () => undefined,
    },
    book: { drains: [], note: () => undefined },
    journal: { entries: new Set(), note: () => undefined },
    openIpvs: () => Ipvs.over(new NetlinkConnection(port), () => undefined),
    tell: () => undefined,
    onStandings: () => undefined,
    stand: () => undefined,
    onProgress: () => undefined,
  });
  let told: DirectorPlan | null = null;
  process.on("message", async (message: ToDirector) => {
    if (message.kind === "configure") told = planOfText(message.plan);
    if (message.kind === "change" && told !== null) told = changedDirectorPlan(told, message.change);
    if (told === null) return;
    const before = port.changes;
    const refusal = director.configure(told);
    if (refusal !== null) throw new Error(refusal);
    while (director.isFilling) {
      await Bun.sleep(0);
      director.fill();
    }
    process.send?.({ changes: port.changes - before } satisfies Answer);
  });
}

/** What a load took, in milliseconds, and how many changes it sent to the kernel. */
interface Load extends Answer {
  readonly read: number;
  readonly plan: number;
  readonly director: number;
  /** Processor time of both processes. */
  readonly taken: number;
}

/** The node as far as its configuration goes: it reads files, and sends plans to a director process. */
class Node implements Disposable {
  readonly #memory = new SectionMemory();
  readonly #orders = new DirectorOrders(
    () => [],
    () => [],
  );
  readonly #child: Bun.Subprocess;
  #heard: (answer: Answer) => void = () => undefined;

  constructor() {
    this.#child = Bun.spawn([process.execPath, import.meta.path, "director"], {
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (message: unknown) => this.#heard(message as Answer),
    });
  }

  async load(weight: number): Promise<Load> {
    const text = Buffer.from(largeFile(weight));
    const before = this.#processorMs();
    const start = performance.now();
    const { config, diagnostics } = readConfig(text, "large.toml", undefined, this.#memory);
    if (config === null) throw new Error(JSON.stringify(diagnostics.slice(0, 3)));
    const read = performance.now();
    const { director: wanted } = planNode(config, "lb1", { cores: 2 });
    const planned = performance.now();
    const { promise, resolve: heard } = Promise.withResolvers<Answer>();
    this.#heard = heard;
    this.#child.send(weight === 1 ? this.#orders.whole(wanted) : this.#orders.next(wanted));
    const { changes } = await promise;
    const end = performance.now();
    const taken = this.#processorMs() - before;
    return { read: read - start, plan: planned - read, director: end - planned, changes, taken };
  }

  #processorMs(): number {
    return processorMs(process.pid) + processorMs(this.#child.pid);
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

function total({ read, plan, director }: Load): number {
  return Math.round(read + plan + director);
}

function show(label: string, load: Load): void {
  const { read, plan, director, changes, taken } = load;
  const parts = Object.entries({ read, plan, director }).map(([name, ms]) => `${name} ${Math.round(ms)}`);
  console.log(
    `host, ${label}: ${total(load)} ms (${parts.join(", ")}), processor time ${taken} ms, ${changes} changes`,
  );
}

async function benchHost(): Promise<void> {
  using node = new Node();
  await Bun.sleep(1_000);
  const first = await node.load(1);
  show("first load", first);
  const reloads: Load[] = [];
  for (let weight = 2; weight <= 16; weight++) reloads.push(await node.load(weight));
  const [second = first] = reloads;
  show("first reload", second);
  const median = reloads.toSorted((one, other) => total(one) - total(other))[7] ?? first;
  show("reload, median of 15", median);
  const bars = {
    "first load ≤ 2 s": total(first) <= 2_000,
    "reload ≤ 0.3 s": total(median) <= 300,
    "one change each": reloads.every(({ changes }) => changes === 1),
  };
  const texts = Object.entries(bars).map(([bar, isMet]) => `${bar}: ${isMet ? "met" : "MISSED"}`);
  console.log(`bars: ${texts.join("; ")}`);
}

/** Everything that the machine's own keepalived is made of, for a guest of the same distribution. */
function keepalivedFiles(): Record<string, string> {
  const program = Bun.which("keepalived") ?? "/usr/sbin/keepalived";
  const list = Bun.spawnSync(["ldd", program]).stdout.toString();
  const libraries = [...list.matchAll(/=> (\/\S+)/g)].map(([, path = ""]) => path);
  return {
    keepalived: program,
    // By the names they are asked for, which are mostly links.
    ...Object.fromEntries(libraries.map((path) => [basename(path), realpathSync(path)])),
  };
}

interface Contender {
  readonly name: string;
  /** Starts it, with its process id in `$!`. */
  readonly start: string;
  /** Goes on when it has nothing left to do of its start. */
  readonly settle: string;
  readonly file: string;
  readonly text: (weight: number) => string;
}

const contenders: readonly Contender[] = [
  {
    name: "keepalived",
    start:
      "env LD_LIBRARY_PATH=/run/bin /run/bin/keepalived -n -C -f /run/bench.conf -p /run/ka.pid -c /run/ka-c.pid >/run/ka.log 2>&1",
    settle: "sleep 15",
    file: "/run/bench.conf",
    text: largeKeepalivedFile,
  },
  {
    name: "edge-ha",
    start:
      "/run/bin/edge-ha --socket /run/bench.sock serve --config /run/bench.toml --node lb1 >/run/edge-ha.log 2>&1",
    settle: "until grep -q 'node lb1 of cluster large is up' /run/edge-ha.log; do sleep 0.5; done; sleep 15",
    file: "/run/bench.toml",
    text: largeFile,
  },
];

async function benchGuest(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "edge-ha-bench-"));
  try {
    const files: Record<string, string> = {
      "edge-ha": resolve(import.meta.dir, "../dist/edge-ha"),
      ...keepalivedFiles(),
    };
    for (const { name, text } of contenders) {
      for (const weight of [1, 2]) {
        files[`${name}.${weight}`] = join(directory, `${name}.${weight}`);
        await Bun.write(join(directory, `${name}.${weight}`), text(weight));
      }
    }
    await using guest = await Guest.boot({ files });
    // From memory, as programs that have run before are.
    await guest.text(
      "modprobe -a ip_vs ip_vs_wrr; mkdir /run/bin; cp -L /share/* /run/bin/ 2>/dev/null || true",
    );
    const results: GuestTimes[] = [];
    for (const contender of contenders) results.push(await measure(guest, contender));
    const [theirs, ours] = results;
    if (theirs === undefined || ours === undefined) return;
    for (const by of ["wall", "processor"] as const) {
      const ratio = (of: keyof GuestTimes): string => (ours[of][by] / theirs[of][by]).toFixed(2);
      console.log(`ratios in the guest, ${by} time: first load ${ratio("first")}, reload ${ratio("reload")}`);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What it took until the kernel had the whole table, or the new weight in it, in milliseconds. */
interface GuestTime {
  readonly wall: number;
  /** Of the emulator: how long the guest waited for the machine's processors is not in it. */
  readonly processor: number;
}

interface GuestTimes {
  readonly first: GuestTime;
  readonly reload: GuestTime;
}

/**
 * Each has a network namespace of its own: a kernel keeps servers that are gone for two minutes, and looks through them for
 * each one that is added, so that whoever comes second in the same namespace pays for the first.
 */
async function measure(guest: Guest, { name, start, settle, file }: Contender): Promise<GuestTimes> {
  const last = largeTable(1).at(-1);
  const place = `${last?.address}:80`;
  // One service is asked for, and seldom: the guest has few processors.
  const row = (weight: number): string => `-> ${last?.servers.at(-1)?.address}:80 +Route +${weight} `;
  const timed = async (act: string, weight: number): Promise<GuestTime> => {
    const script = `at=$EPOCHREALTIME
${act}
until ipvsadm -Ln -t ${place} 2>/dev/null | grep -qE -- '${row(weight)}'; do
  [ $((++tries)) -lt 1000 ] && kill -0 $(cat /run/bench.pid) || { tail -n 20 /run/*.log >&2; exit 1; }
  sleep 0.5
done
python3 -c "print(round(($EPOCHREALTIME - $at) * 1000))"`;
    const before = processorMs(guest.pid);
    const wall = Number(await guest.text(inside(script)));
    return { wall, processor: processorMs(guest.pid) - before };
  };
  const inside = (script: string): string => `ip netns exec ${name} bash <<'INSIDE'\n${script}\nINSIDE\n`;
  const started = `setsid ${start} & echo $! >/run/bench.pid`;
  const stopped =
    "kill -TERM $(cat /run/bench.pid); while kill -0 $(cat /run/bench.pid) 2>/dev/null; do sleep 0.2; done";
  await guest.text(`ip netns add ${name}; ip -n ${name} link set lo up; cp /share/${name}.1 ${file}`);
  const first = await timed(started, 1);
  const servers = Number(await guest.text(inside("ipvsadm -Ln | grep -c '^  -> [0-9]'")));
  await guest.text(settle);
  await guest.text(`cp /share/${name}.2 ${file}`);
  const reload = await timed("kill -HUP $(cat /run/bench.pid)", 2);
  const times = `${timeText(first)}, the new weight after ${timeText(reload)}`;
  console.log(`guest, ${name}: ${servers} servers after ${times}`);
  await guest.text(stopped);
  if (name === "edge-ha") {
    const log = await guest.text("grep -E ' (edge-ha|director): ' /run/edge-ha.log || true");
    console.log(`  its log: ${log.trim().split("\n").join("; ")}`);
  }
  return { first, reload };
}

function timeText({ wall, processor }: GuestTime): string {
  return `${wall} ms (processor time ${processor} ms)`;
}

const [what] = process.argv.slice(2);
if (what === "director") runDirector();
else {
  if (what !== "guest") await benchHost();
  if (what !== "host") await benchGuest();
}
