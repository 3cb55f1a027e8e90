import { nodesFile, pairFile, vips } from "../test/support/cluster-file.ts";
import { startEdgeHa } from "../test/support/edge-ha.ts";
import { startKeepalived } from "../test/support/keepalived.ts";
import { waitFor, type Host } from "../test/support/lab.ts";
import { createPair } from "../test/support/pair.ts";
import { switchSilenceMs, startEcho, startUdpProbe } from "../test/support/probe.ts";
import { readArguments } from "./arguments.ts";

/**
 * How long a client hears nothing from the virtual address when its holder's link is cut and when its holder is
 * told to stop: a UDP echo every millisecond, keepalived and edge-ha in turn. The event comes at random moments between
 * two advertisements, the same for each contender and spread over the interval. Of a cut link the silence depends on that
 * moment more than on anything else, so what counts is how long after its last advertisement the next holder answers.
 * An argument picks the paces that have it in their label, such as `BFD`, and another the event.
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
  { label: "v2 1 s", version: 2, advertMs: 1_000, repetitions: 9 },
  { label: "v3 100 ms", version: 3, advertMs: 100, repetitions: 15 },
  { label: "v3 10 ms", version: 3, advertMs: 10, repetitions: 15 },
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

/** What a client saw of one event. */
interface Measured {
  /** The longest silence. */
  readonly silenceMs: number;
  /** From the first holder's last advertisement to the first answer of the next. */
  readonly takeoverMs: number;
}

/** Lets one event happen to one contender. */
async function measure(contender: Contender, event: Event, pace: Pace, phase: number): Promise<Measured> {
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
  const lastAdvertMs = await untilPhase(client, pace, phase);
  if (event === "link cut") await lb1.cutLink("eth0");
  else stop();
  await waitFor("lb2 holds the address", () => lb2.holds(vips.first));
  await Bun.sleep(Math.max(500, pace.advertMs));
  const heardAtMs = lastAdvertMs();
  const report = await probe.stop();
  const answered = report.holders.find(({ name }) => name === lb2.name);
  if (answered === undefined) throw new Error("lb2 never answered");
  return {
    silenceMs: switchSilenceMs(report),
    takeoverMs: report.startedAtMs + answered.atMs - heardAtMs,
  };
}

/**
 * Waits until `phase` of the interval has passed since the holder's last advertisement; the result gives when it advertised
 * last, in milliseconds of Unix time.
 */
async function untilPhase(client: Host, pace: Pace, phase: number): Promise<() => number> {
  const filter = ["ip", "proto", "112", "and", "src", "host", "192.0.2.11"];
  const dump = client.spawn(["tcpdump", "-tt", "-l", "-n", "--immediate-mode", "-i", "eth0", ...filter]);
  const times = (): readonly number[] =>
    [...dump.output().matchAll(/^(\d+\.\d+) IP .*VRRPv/gm)].map(([, seconds]) => Number(seconds) * 1_000);
  await waitFor("the first advertisement is seen", () => times().length > 0);
  const before = times().length;
  while (times().length === before) await Bun.sleep(1);
  await Bun.sleep(phase * pace.advertMs);
  return () => {
    dump.kill("SIGKILL");
    return times().at(-1) ?? Number.NaN;
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function milliseconds(value: number): string {
  return `${value.toFixed(1)} ms`.padStart(9);
}

/** Measures all contenders for one event at one pace and prints a line for each. */
async function compare(pace: Pace, event: Event): Promise<void> {
  const results = contenders.map((): Measured[] => []);
  for (let i = 0; i < pace.repetitions; i += 1) {
    const phase = (i + Math.random()) / pace.repetitions;
    const runs = contenders.map((contender, index) => async (): Promise<void> => {
      results[index]?.push(await measure(contender, event, pace, phase));
    });
    // Seconds of waiting for a silence of seconds: there a disturbance of a few milliseconds is nothing.
    if (pace.advertMs >= 1_000 && pace.bfd === undefined && event === "link cut")
      await Promise.all(runs.map((run) => run()));
    // None of them is always the first.
    else for (const index of runs.keys()) await runs[(index + i) % runs.length]?.();
  }
  const columns = results.map((measured) => columnsOf(measured));
  for (const [index, contender] of contenders.entries()) {
    const of = columns[index];
    if (of === undefined) continue;
    const figures = [`silence: median ${milliseconds(of.medianMs)}, worst ${milliseconds(of.worstMs)}`];
    const value = goesByAdverts(pace, event) ? "takeoverMs" : "medianMs";
    if (value === "takeoverMs")
      figures.push(`answers ${milliseconds(of.takeoverMs)} after the last advertisement`);
    if (index > 0) figures.push(`ratio ${(of[value] / (columns[0]?.[value] ?? Number.NaN)).toFixed(3)}`);
    console.log(lineOf(pace, event, `${contender.name.padEnd(34)} ${figures.join("; ")}`));
  }
  console.log(lineOf(pace, event, verdict(pace, event, columns)));
}

function lineOf({ label, repetitions }: Pace, event: Event, text: string): string {
  return `${label.padEnd(21)} ${event.padEnd(9)} ${String(repetitions).padStart(2)} times  ${text}`;
}

/** Tells whether the next holder claims because it has heard no advertisement for so long. */
function goesByAdverts({ bfd }: Pace, event: Event): boolean {
  return event === "link cut" && bfd === undefined;
}

interface Columns {
  readonly medianMs: number;
  readonly worstMs: number;
  readonly takeoverMs: number;
}

function columnsOf(measured: readonly Measured[]): Columns {
  const silences = measured.map(({ silenceMs }) => silenceMs);
  return {
    medianMs: median(silences),
    worstMs: Math.max(...silences),
    takeoverMs: median(measured.map(({ takeoverMs }) => takeoverMs)),
  };
}

/** The client asks every millisecond: it cannot tell less apart. */
const resolutionMs = 1;

/** Says whether the bars are met: the median of every edge-ha, and of a cut link the one with keepalived's priorities. */
function verdict(pace: Pace, event: Event, [peer, ...ours]: readonly Columns[]): string {
  const [same] = ours;
  if (goesByAdverts(pace, event)) {
    const limitMs = peer?.takeoverMs ?? Number.NaN;
    const isMet = (same?.takeoverMs ?? Number.NaN) <= limitMs + resolutionMs;
    return `bar ${milliseconds(limitMs).trim()} after the last advertisement, as keepalived: ${isMet ? "met" : "MISSED"}`;
  }
  const limitMs = event === "SIGTERM" ? 5 : 50;
  return `bar ${limitMs} ms: ${ours.every(({ medianMs }) => medianMs <= limitMs) ? "met" : "MISSED"}`;
}

const given = readArguments({
  usage: "scripts/bench failover [PART OF A PACE [PART OF AN EVENT]]",
  words: { pace: { in: paces.map(({ label }) => label) }, event: { in: events } },
});
const [wantedPace, wantedEvent] = [given.get("pace") ?? "", given.get("event") ?? ""];
for (const pace of paces.filter(({ label }) => label.includes(wantedPace))) {
  for (const event of events.filter((each) => each.includes(wantedEvent))) await compare(pace, event);
}
