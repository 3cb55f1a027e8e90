import { nodesFile, pairFile, vips } from "../test/support/cluster-file.ts";
import { startEdgeHa } from "../test/support/edge-ha.ts";
import { startKeepalived } from "../test/support/keepalived.ts";
import { waitFor, type Host } from "../test/support/lab.ts";
import { createPair } from "../test/support/pair.ts";
import { switchSilenceMs, startEcho, startUdpProbe } from "../test/support/probe.ts";

/**
 * How long a client hears nothing from the virtual address when its holder's link is cut and when its holder is
 * told to stop: a UDP echo every millisecond, keepalived and edge-ha in turn. The event comes at the same points
 * between two advertisements for each contender, spread over the interval. An argument picks the paces that have it in
 * their label, such as `BFD`.
 */

interface Pace {
  readonly label: string;
  readonly version: 2 | 3;
  readonly advertMs: number;
  readonly repetitions: number;
  /** Whether edge-ha's nodes watch each other as well; keepalived knows advertisements alone. */
  readonly bfd?: string;
}

const paces: readonly Pace[] = [
  { label: "v2 1 s", version: 2, advertMs: 1_000, repetitions: 3 },
  { label: "v3 100 ms", version: 3, advertMs: 100, repetitions: 5 },
  { label: "v3 10 ms", version: 3, advertMs: 10, repetitions: 7 },
  {
    label: "v3 1 s, BFD 3 × 10 ms",
    version: 3,
    advertMs: 1_000,
    repetitions: 7,
    bfd: 'bfd = { interval = "10ms", multiplier = 3 }',
  },
];

type Event = "link cut" | "SIGTERM";
const events: readonly Event[] = ["link cut", "SIGTERM"];

/** Something that can hold the address; gives what tells it to stop. */
interface Contender {
  readonly name: string;
  readonly start: (host: Host, pace: Pace) => Promise<() => void>;
}

const priorities = { lb1: 200, lb2: 100 } as const;

const contenders: readonly Contender[] = [
  { name: "keepalived 2.2.7", start: startPeer },
  { name: "edge-ha [[vrrp]], same priorities", start: (host, pace) => startOurs(host, lowLevelFile(pace)) },
  {
    name: "edge-ha [[vip]]",
    start: (host, pace) => startOurs(host, pairFile({ ...fileOptions(pace), vipKeys: pace.bfd ?? "" })),
  },
];

async function startPeer(host: Host, pace: Pace): Promise<() => void> {
  const isFirst = host.name === "lb1";
  const child = await startKeepalived(host, [
    {
      interface: "eth0",
      version: pace.version,
      vrid: 51,
      priority: isFirst ? priorities.lb1 : priorities.lb2,
      advertInterval: pace.advertMs / 1_000,
      addresses: [`${vips.first}/24`],
      state: isFirst ? "MASTER" : "BACKUP",
    },
  ]);
  return () => child.kill("SIGTERM");
}

async function startOurs(host: Host, config: string): Promise<() => void> {
  const node = await startEdgeHa(host, { config, node: host.name });
  return () => node.kill("SIGTERM");
}

function fileOptions(pace: Pace): { version: 2 | 3; advertInterval: string } {
  return { version: pace.version, advertInterval: `${pace.advertMs}ms` };
}

function lowLevelFile(pace: Pace): string {
  return `${nodesFile(fileOptions(pace))}
[[vrrp]]
name = "first"
interface = "eth0"
vrid = 51
priority = { lb1 = ${priorities.lb1}, lb2 = ${priorities.lb2} }
addresses = ["${vips.first}/24"]
${pace.bfd ?? ""}
`;
}

/** Lets one event happen to one contender and gives the longest silence in milliseconds. */
async function measure(contender: Contender, event: Event, pace: Pace, phase: number): Promise<number> {
  await using pair = await createPair();
  const { lb1, lb2, client } = pair;
  for (const host of [lb1, lb2]) await startEcho(host);
  const stop = await contender.start(lb1, pace);
  await waitFor("lb1 holds the address", () => lb1.holds(vips.first));
  await contender.start(lb2, pace);
  // The backup's timer must run on what it heard, not on its own start.
  await Bun.sleep(Math.max(500, 2 * pace.advertMs));
  const probe = await startUdpProbe(client, vips.first);
  await Bun.sleep(300);
  await untilPhase(client, pace, phase);
  if (event === "link cut") await lb1.cutLink("eth0");
  else stop();
  await waitFor("lb2 holds the address", () => lb2.holds(vips.first));
  await Bun.sleep(Math.max(500, pace.advertMs));
  return switchSilenceMs(await probe.stop());
}

/** Waits until `phase` of the interval has passed since the holder's last advertisement. */
async function untilPhase(client: Host, pace: Pace, phase: number): Promise<void> {
  const filter = ["ip", "proto", "112", "and", "src", "host", "192.0.2.11"];
  const dump = client.spawn(["tcpdump", "-l", "-n", "--immediate-mode", "-i", "eth0", ...filter]);
  const packets = (): number => dump.output().split(": VRRPv").length;
  await waitFor("the first advertisement is seen", () => packets() > 1);
  const before = packets();
  while (packets() === before) await Bun.sleep(1);
  dump.kill("SIGKILL");
  await Bun.sleep(phase * pace.advertMs);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function milliseconds(value: number): string {
  return `${value < 100 ? value.toFixed(1) : Math.round(value)} ms`.padStart(9);
}

/** Measures all contenders for one event at one pace and prints a line for each. */
async function compare(pace: Pace, event: Event): Promise<void> {
  const results = contenders.map((): number[] => []);
  for (let i = 0; i < pace.repetitions; i += 1) {
    const phase = (i + 0.5) / pace.repetitions;
    const runs = contenders.map((contender, index) => async (): Promise<void> => {
      results[index]?.push(await measure(contender, event, pace, phase));
    });
    // At a slow pace the waiting is long and a disturbance of a few milliseconds is nothing.
    if (pace.advertMs >= 1_000 && pace.bfd === undefined) await Promise.all(runs.map((run) => run()));
    else for (const run of runs) await run();
  }
  const peer = median(results[0] ?? []);
  for (const [index, contender] of contenders.entries()) {
    const values = results[index] ?? [];
    const ratio = index === 0 ? "" : `  ratio ${(median(values) / peer).toFixed(2)}`;
    const figures = `median ${milliseconds(median(values))}  worst ${milliseconds(Math.max(...values))}`;
    console.log(
      `${pace.label.padEnd(21)} ${event.padEnd(9)} ${contender.name.padEnd(34)} ${figures}${ratio}`,
    );
  }
  console.log(`${pace.label.padEnd(21)} ${event.padEnd(9)} ${verdict(pace, event, results)}`);
}

/** Says whether the bars are met: the median of every edge-ha, and of a cut link the one with keepalived's priorities. */
function verdict(pace: Pace, event: Event, results: readonly (readonly number[])[]): string {
  const [peer = Number.NaN, same = Number.NaN, own = Number.NaN] = results.map(median);
  const [limitMs, values] =
    event === "SIGTERM" ? [5, [same, own]] : pace.bfd === undefined ? [peer, [same]] : [50, [same, own]];
  const isMet = values.every((value) => value <= limitMs);
  return `bar ${milliseconds(limitMs).trim()}: ${isMet ? "met" : "MISSED"}`;
}

const wanted = process.argv[2];
for (const pace of paces.filter(({ label }) => wanted === undefined || label.includes(wanted))) {
  for (const event of events) await compare(pace, event);
}
