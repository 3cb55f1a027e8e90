import { readFileSync } from "node:fs";
import { nodesFile } from "../test/support/cluster-file.ts";
import { rolePids, startEdgeHa } from "../test/support/edge-ha.ts";
import { startKeepalived } from "../test/support/keepalived.ts";
import { type Child, type Host, waitFor } from "../test/support/lab.ts";
import { createPair } from "../test/support/pair.ts";
import { processorMs } from "../test/support/processor-time.ts";
import { numberOf, readArguments } from "./arguments.ts";

/**
 * What 255 virtual routers at 1 s on one link cost, on the active host and on the backup, and how long it takes until the
 * backup has announced all of them when the active host's link is cut. keepalived and edge-ha in turn; an argument
 * gives the seconds over which the processor time is counted.
 */

const count = 255;
const given = readArguments({ usage: "scripts/bench instances [SECONDS]", words: { seconds: "number" } });
const watchMs = 1000 * numberOf(given, "seconds", 20);
const priorities = { lb1: 200, lb2: 100 } as const;
const addressOf = (vrid: number): string => `10.99.0.${vrid}`;
const vrids = Array.from({ length: count }, (_, index) => index + 1);

interface Contender {
  readonly name: string;
  /** Starts it and gives the processes to look at, by name; the first runs the elections. */
  readonly start: (host: Host) => Promise<() => Promise<Readonly<Record<string, readonly number[]>>>>;
}

const contenders: readonly Contender[] = [
  {
    name: "keepalived 2.2.7",
    start: async (host) => {
      const priority = host.name === "lb1" ? priorities.lb1 : priorities.lb2;
      const child = await startKeepalived(
        host,
        vrids.map((vrid) => ({
          interface: "eth0",
          version: 3,
          vrid,
          priority,
          advertInterval: 1,
          addresses: [`${addressOf(vrid)}/16`],
        })),
      );
      return async () => ({ elections: childrenOf(child.pid), all: [child.pid, ...childrenOf(child.pid)] });
    },
  },
  {
    name: "edge-ha",
    start: async (host) => {
      const node = await startEdgeHa(host, { config: clusterFile(), node: host.name });
      return async () => {
        const elections = await rolePids(host, "vrrp");
        return { elections, all: [node.pid, ...elections, ...(await rolePids(host, "director"))] };
      };
    },
  },
];

function clusterFile(): string {
  const tables = vrids.map(
    (vrid) => `[[vrrp]]
name = "v${vrid}"
interface = "eth0"
vrid = ${vrid}
priority = { lb1 = ${priorities.lb1}, lb2 = ${priorities.lb2} }
addresses = ["${addressOf(vrid)}/16"]
`,
  );
  return `${nodesFile({ advertInterval: "1s" })}\n${tables.join("\n")}`;
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

/** Gives the processor time of processes in seconds. */
function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + processorMs(pid) / 1000, 0);
}

async function holdsAll(host: Host): Promise<boolean> {
  const held = new Set(await host.addresses());
  return vrids.every((vrid) => held.has(`${addressOf(vrid)}/16`));
}

/** Notes when each address is announced for the first time, in milliseconds of the time of day. */
function watchAnnouncements(client: Host): { readonly stop: () => ReadonlyMap<string, number> } {
  const dump: Child = client.spawn(["tcpdump", "-l", "-n", "-tt", "-B", "8192", "-i", "eth0", "arp"]);
  return {
    stop() {
      dump.kill("SIGKILL");
      const announced = new Map<string, number>();
      for (const line of dump.output().split("\n")) {
        const [, at, address] =
          /^(\d+\.\d+) ARP, (?:Request who-has|Reply) (10\.99\.0\.\d+)/.exec(line) ?? [];
        if (address !== undefined && !announced.has(address)) announced.set(address, Number(at) * 1000);
      }
      return announced;
    },
  };
}

function percent(seconds: number): string {
  return `${((100_000 * seconds) / watchMs).toFixed(2).padStart(5)} %`;
}

interface Outcome {
  readonly active: number;
  readonly backup: number;
  readonly allMs: number;
}

async function measure(contender: Contender): Promise<Outcome> {
  await using pair = await createPair();
  const { lb1, lb2, client } = pair;
  const pidsOfActive = await contender.start(lb1);
  await waitFor("lb1 holds every address", () => holdsAll(lb1), 30_000);
  const pidsOfBackup = await contender.start(lb2);
  // The second burst of announcements comes after five seconds.
  await Bun.sleep(9_000);
  const processes = [await pidsOfActive(), await pidsOfBackup()];
  const spent = (): readonly (readonly [number, number])[] =>
    processes.map(({ elections = [], all = [] }) => [cpuSeconds(elections), cpuSeconds(all)]);
  const before = spent();
  await Bun.sleep(watchMs);
  const used = spent().map(([elections, all], index): readonly [number, number] => [
    elections - (before[index]?.[0] ?? 0),
    all - (before[index]?.[1] ?? 0),
  ]);
  const watch = watchAnnouncements(client);
  await Bun.sleep(500);
  const cutAt = Date.now();
  await lb1.cutLink("eth0");
  await waitFor("lb2 holds every address", () => holdsAll(lb2), 30_000);
  await Bun.sleep(1_500);
  const times = [...watch.stop().values()].map((at) => at - cutAt);
  const [active, backup] = used;
  const last = times.length < count ? Number.NaN : Math.max(...times);
  console.log(
    [
      contender.name.padEnd(17),
      `elections: active ${percent(active?.[0] ?? Number.NaN)}, backup ${percent(backup?.[0] ?? Number.NaN)} of a core;`,
      `with all its processes ${percent(active?.[1] ?? Number.NaN)}, ${percent(backup?.[1] ?? Number.NaN)};`,
      `${times.length} announced, the first ${Math.round(Math.min(...times))} ms after the cut, the last ${Math.round(last)} ms`,
    ].join(" "),
  );
  return { active: active?.[0] ?? Number.NaN, backup: backup?.[0] ?? Number.NaN, allMs: last };
}

const results: Outcome[] = [];
for (const contender of contenders) results.push(await measure(contender));
const [peer, ours] = results;
if (peer !== undefined && ours !== undefined) {
  const share = (seconds: number): number => (100_000 * seconds) / watchMs;
  const isLight = share(ours.active) < 5 && share(ours.backup) < 5;
  console.log(
    `bar: less than 5 % of a core: ${isLight ? "met" : "MISSED"}; all announced within keepalived's time: ratio ${(ours.allMs / peer.allMs).toFixed(2)}`,
  );
}
