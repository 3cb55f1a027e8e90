import { systemClock } from "../src/base/clock.ts";
import { silentLog } from "../src/base/log.ts";
import { planNode } from "../src/config/plan.ts";
import { readConfig } from "../src/config/read.ts";
import { SectionMemory } from "../src/config/section-memory.ts";
import { Director } from "../src/director/director.ts";
import { ArrivingPlan, type PlanMessage } from "../src/ipc/arriving-plan.ts";
import { Ipvs } from "../src/kernel/ipvs.ts";
import { NetlinkConnection } from "../src/kernel/netlink/connection.ts";
import { DirectorOrders } from "../src/supervisor/director-orders.ts";
import { largeFile } from "../test/support/large-table.ts";
import { processorMs } from "../test/support/processor-time.ts";
import { TablePort } from "../test/support/table-port.ts";
import { benchNative } from "./bench-ipvs/native.ts";
import { benchUml } from "./bench-ipvs/uml.ts";
import { readArguments } from "./arguments.ts";

/**
 * 2,277 services with 37,205 servers: the first load, and a reload with one weight changed. `host`: from the file to the
 * answer of a director process, before a kernel that is none but answers with as many bytes. `native`: the first load beside
 * keepalived's, both before a kernel without a table. `uml`: both beside keepalived's before a kernel with IPVS that runs as a
 * process, where only the ratio tells anything. One of the words picks one.
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
  const arriving = new ArrivingPlan();
  process.on("message", async (message: PlanMessage) => {
    const told = arriving.take(message);
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
    this.#child.send(
      this.#orders.next(wanted) ?? this.#orders.whole(wanted, (part) => this.#child.send(part)),
    );
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

const parts = { host: benchHost, native: benchNative, uml: benchUml };
const given = readArguments({
  usage: "scripts/bench ipvs [host|native|uml]",
  words: { part: { oneOf: [...Object.keys(parts), "director"] } },
});
const what = given.get("part");
if (what === "director") runDirector();
else {
  for (const [part, run] of Object.entries(parts)) if (what === undefined || what === part) await run();
}
