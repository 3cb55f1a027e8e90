import { pairFile } from "../test/support/cluster-file.ts";
import { type EdgeHa, startEdgeHa } from "../test/support/edge-ha.ts";
import { FrrBfd } from "../test/support/frr-bfd.ts";
import { type Child, type Host, waitFor } from "../test/support/lab.ts";
import { createPair } from "../test/support/pair.ts";
import { numberOf, readArguments } from "./arguments.ts";

/**
 * How often BFD at 3 × 10 ms takes a living neighbour for dead on a host that is busy: two nodes that watch each other,
 * and FRR's bfdd between two more hosts at the same time, while busy loops take every processor. Each has the priority
 * that it gives itself. Arguments: seconds (60) and busy loops (8). keepalived 2.2.7 as Debian has it speaks no BFD.
 */

const given = readArguments({
  usage: "scripts/bench bfd [SECONDS [LOOPS]]",
  words: { seconds: "number", loops: "number" },
});
const [seconds, loops] = [numberOf(given, "seconds", 60), numberOf(given, "loops", 8)];
const pace = { interval: 10, multiplier: 3 } as const;

/** How often sessions went down, at each of two ends. */
type Downs = readonly [number, number];

interface Contender {
  readonly name: string;
  readonly downs: () => Promise<Downs>;
  /** What else there is to say when it is over. */
  readonly remark: () => Promise<string>;
}

async function startOurs(lb1: Host, lb2: Host): Promise<Contender> {
  const bfd = `bfd = { interval = "${pace.interval}ms", multiplier = ${pace.multiplier} }`;
  const config = pairFile({ advertInterval: "1s", vipKeys: bfd });
  const nodes = await Promise.all([lb1, lb2].map((host) => startEdgeHa(host, { config, node: host.name })));
  for (const node of nodes) await waitFor("our session is up", () => isUp(node));
  await waitFor("each node has its address", async () =>
    (await activeCounts(nodes)).every((count) => count > 0),
  );
  const before = await activeCounts(nodes);
  return {
    name: "edge-ha",
    downs: () => bothEnds(nodes, async (node) => (await counters(node))["wentDown"] ?? 0),
    async remark() {
      const after = await activeCounts(nodes);
      const moves = after.reduce((sum, count, index) => sum + count - (before[index] ?? 0), 0);
      return `${moves} failovers`;
    },
  };
}

async function startPeer(one: Host, two: Host): Promise<Contender> {
  const addresses = ["192.0.2.21", "192.0.2.22"] as const;
  const peers = await Promise.all([
    FrrBfd.start(one, [{ interface: "eth0", peer: addresses[1], ...pace }]),
    FrrBfd.start(two, [{ interface: "eth0", peer: addresses[0], ...pace }]),
  ]);
  await peers[0].reaches("up", addresses[1]);
  await peers[1].reaches("up", addresses[0]);
  const before = await bothEnds(peers, (peer) => peer.downs());
  return {
    name: "FRR bfdd 8.4",
    async downs() {
      const after = await bothEnds(peers, (peer) => peer.downs());
      return [after[0] - before[0], after[1] - before[1]];
    },
    remark: () => Promise.resolve("no failovers to count"),
  };
}

async function bothEnds<T>(ends: readonly T[], count: (end: T) => Promise<number>): Promise<Downs> {
  const [one = 0, two = 0] = await Promise.all(ends.map(count));
  return [one, two];
}

async function counters(node: EdgeHa): Promise<Readonly<Record<string, number>>> {
  return (await node.status()).bfd.sessions[0]?.counters ?? {};
}

async function isUp(node: EdgeHa): Promise<boolean> {
  return (await node.status()).bfd.sessions[0]?.state === "up";
}

/** Gives how often each node became active for anything. */
async function activeCounts(nodes: readonly EdgeHa[]): Promise<readonly number[]> {
  const statuses = await Promise.all(nodes.map((node) => node.status()));
  return statuses.map(({ instances }) =>
    instances.reduce((sum, instance) => sum + (instance.counters["becameActive"] ?? 0), 0),
  );
}

await using pair = await createPair();
const contenders = [await startOurs(pair.lb1, pair.lb2), await startPeer(pair.web1, pair.web2)];
const load: Child[] = Array.from({ length: loops }, () =>
  pair.client.spawn(["sh", "-c", "while :; do :; done"]),
);
await Bun.sleep(seconds * 1000);
for (const loop of load) loop.kill("SIGKILL");
await Promise.all(load.map(({ exited }) => exited));
for (const { name, downs, remark } of contenders) {
  const [one, two] = await downs();
  const label = `${pace.multiplier} × ${pace.interval} ms, ${seconds} s, ${loops} busy loops`;
  const figures = `false downs ${String(Math.max(one, two)).padStart(4)}  (at its ends ${one} and ${two})`;
  console.log(`${label}  ${name.padEnd(13)} ${figures}  ${await remark()}`);
}
