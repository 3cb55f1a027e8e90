import { nodesFile, vips } from "../test/support/cluster-file.ts";
import { startEdgeHa } from "../test/support/edge-ha.ts";
import { startKeepalived } from "../test/support/keepalived.ts";
import { type Child, type Host, waitFor } from "../test/support/lab.ts";
import { createPair } from "../test/support/pair.ts";
import { numberOf, readArguments } from "./arguments.ts";

/**
 * How often a backup takes over from an active host that is only busy: version 3 at 10 ms, eight busy loops on this
 * machine's cores; edge-ha as it comes, and keepalived with and without `vrrp_rt_priority 50`. An argument gives the seconds.
 */

const given = readArguments({ usage: "scripts/bench busy [SECONDS]", words: { seconds: "number" } });
const seconds = numberOf(given, "seconds", 60);
const loops = 8;

interface Contender {
  readonly name: string;
  /** Starts it on a host; gives how often it has become active there so far. */
  readonly start: (host: Host) => Promise<() => Promise<number>>;
}

const contenders: readonly Contender[] = [
  { name: "keepalived 2.2.7", start: (host) => startPeer(host) },
  { name: "keepalived 2.2.7, real time", start: (host) => startPeer(host, ["vrrp_rt_priority 50"]) },
  { name: "edge-ha", start: startOurs },
];

async function startPeer(host: Host, globals: readonly string[] = []): Promise<() => Promise<number>> {
  const priority = host.name === "lb1" ? 200 : 100;
  const instance = { interface: "eth0", version: 3, vrid: 51, priority, advertInterval: 0.01 } as const;
  const child = await startKeepalived(host, [{ ...instance, addresses: [`${vips.first}/24`] }], globals);
  return async () => child.output().split("Entering MASTER STATE").length - 1;
}

async function startOurs(host: Host): Promise<() => Promise<number>> {
  const config = `${nodesFile({ advertInterval: "10ms" })}
[[vrrp]]
name = "first"
interface = "eth0"
vrid = 51
priority = { lb1 = 200, lb2 = 100 }
addresses = ["${vips.first}/24"]
`;
  const node = await startEdgeHa(host, { config, node: host.name });
  return async () => node.log().split("→ active:").length - 1;
}

/** Gives how often each of the two hosts became active while the machine was busy. */
async function measure(contender: Contender): Promise<readonly [number, number]> {
  await using pair = await createPair();
  const { lb1, lb2, client } = pair;
  const onFirst = await contender.start(lb1);
  await waitFor("lb1 holds the address", () => lb1.holds(vips.first));
  const onSecond = await contender.start(lb2);
  await Bun.sleep(1_000);
  const before = [await onFirst(), await onSecond()] as const;
  const busy: readonly Child[] = Array.from({ length: loops }, () =>
    client.spawn(["sh", "-c", "while :; do :; done"]),
  );
  await Bun.sleep(seconds * 1_000);
  const after = [await onFirst(), await onSecond()] as const;
  for (const child of busy) child.kill("SIGKILL");
  return [after[0] - before[0], after[1] - before[1]];
}

const found = new Map<string, number>();
for (const contender of contenders) {
  const [first, second] = await measure(contender);
  found.set(contender.name, second);
  console.log(
    `${contender.name.padEnd(28)} ${String(second).padStart(4)} false failovers in ${seconds} s beside ${loops} busy loops (and ${first} times back)`,
  );
}
console.log(`bar: 0 false failovers: ${found.get("edge-ha") === 0 ? "met" : "MISSED"}`);
