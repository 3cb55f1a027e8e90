import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { pairFile, vips, type ClusterFileOptions } from "../support/cluster-file.ts";
import { instanceOf, startEdgeHa, type EdgeHa } from "../support/edge-ha.ts";
import { waitFor, type Host } from "../support/lab.ts";
import { createPair, type Pair } from "../support/pair.ts";
import { startEcho, startUdpProbe } from "../support/probe.ts";

setDefaultTimeout(60_000);

const start = (host: Host, o: ClusterFileOptions = {}): Promise<EdgeHa> =>
  startEdgeHa(host, { config: pairFile(o), node: host.name });

async function untilHolds(host: Host, ...addresses: string[]): Promise<void> {
  for (const address of addresses) {
    await waitFor(`${host.name} holds ${address}`, () => host.holds(address));
  }
}

async function untilFree(host: Host, address: string): Promise<void> {
  await waitFor(`${host.name} has let go of ${address}`, async () => !(await host.holds(address)));
}

/** Starts both nodes and waits until each holds the address it is preferred for. */
async function startBoth({ lb1, lb2 }: Pair, o: ClusterFileOptions = {}): Promise<[EdgeHa, EdgeHa]> {
  const first = await start(lb1, o);
  const second = await start(lb2, o);
  if (o.preempts ?? true) {
    await untilHolds(lb1, vips.first);
    await untilHolds(lb2, vips.second);
    await untilFree(lb1, vips.second);
    await untilFree(lb2, vips.first);
  } else {
    await untilHolds(lb1, vips.first, vips.second);
    await waitFor("lb2 waits", async () => (await instanceOf(second, "first")).state === "backup");
  }
  return [first, second];
}

describe("a pair of nodes", () => {
  test("shares its addresses: each host is active for the one it is preferred for", async () => {
    await using pair = await createPair();
    const [lb1, lb2] = await startBoth(pair);
    expect((await instanceOf(lb1, "first")).state).toBe("active");
    expect((await instanceOf(lb1, "second")).state).toBe("backup");
    expect((await instanceOf(lb2, "first")).state).toBe("backup");
    expect((await instanceOf(lb2, "second")).state).toBe("active");
  });

  test("moves the address when the active host's link is cut, and back when it is whole again", async () => {
    await using pair = await createPair();
    const [first, second] = await startBoth(pair);
    await pair.lb1.cutLink("eth0");
    await untilHolds(pair.lb2, vips.first, vips.second);
    // A host without a link must not keep an address that another one answers for.
    await untilFree(pair.lb1, vips.first);
    expect((await instanceOf(first, "first")).state).toBe("fault");
    await pair.lb1.restoreLink("eth0");
    await untilHolds(pair.lb1, vips.first);
    await untilFree(pair.lb2, vips.first);
    expect((await instanceOf(second, "second")).state).toBe("active");
  });

  test("never lets the client's traffic reach nobody but for the switch when the active host is stopped", async () => {
    await using pair = await createPair();
    const { lb1, lb2, client } = pair;
    const [first] = await startBoth(pair);
    for (const host of [lb1, lb2]) await startEcho(host);
    const probe = await startUdpProbe(client, vips.first);
    await waitFor("lb1 answers", async () =>
      (await client.run(["ip", "neighbour"])).stdout.includes("lladdr"),
    );
    expect(await first.stop()).toBe(0);
    await untilHolds(lb2, vips.first, vips.second);
    expect(await lb1.holds(vips.first)).toBe(false);
    await Bun.sleep(300);
    const report = await probe.stop();
    // For a moment both have the address: an answer of lb1's may come after one of lb2's.
    expect([...new Set(report.holders.map(({ name }) => name))]).toEqual(["lb1", "lb2"]);
  });

  test("moves the address when the active node's supervisor is killed: its children resign", async () => {
    await using pair = await createPair();
    const [first] = await startBoth(pair);
    first.kill("SIGKILL");
    await first.exited;
    await untilHolds(pair.lb2, vips.first);
    await untilFree(pair.lb1, vips.first);
    await waitFor("no child is left", async () => (await pair.lb1.pids()).length === 0);
  });

  test("moves the address when the active host loses its power", async () => {
    await using pair = await createPair();
    await startBoth(pair);
    await pair.lb1.powerOff();
    await untilHolds(pair.lb2, vips.first, vips.second);
  });

  test("returns the address to the preferred node when that one is back", async () => {
    await using pair = await createPair();
    await startBoth(pair);
    await pair.lb1.powerOff();
    await untilHolds(pair.lb2, vips.first);
    await pair.lb1.powerOn();
    await start(pair.lb1);
    await untilHolds(pair.lb1, vips.first);
    await untilFree(pair.lb2, vips.first);
  });

  test("leaves the address where it is when nodes do not preempt", async () => {
    await using pair = await createPair();
    const { lb1, lb2 } = pair;
    const o = { preempts: false };
    const [first, second] = await startBoth(pair, o);
    expect(await first.stop()).toBe(0);
    await untilHolds(lb2, vips.first, vips.second);
    const movements = lb2.spawn(["ip", "monitor", "address"]);
    const again = await start(lb1, o);
    await waitFor(
      "lb1 hears lb2",
      async () => (await instanceOf(again, "first")).peer?.address === "192.0.2.12",
    );
    // Longer than any election of this pair would take.
    await Bun.sleep(1_000);
    expect((await instanceOf(again, "first")).state).toBe("backup");
    expect((await instanceOf(second, "first")).state).toBe("active");
    expect(movements.output()).not.toContain("Deleted");
  });

  test("keeps its addresses when only the other host comes and goes", async () => {
    await using pair = await createPair();
    const [first] = await startBoth(pair);
    const movements = pair.lb1.spawn(["ip", "monitor", "address"]);
    await pair.lb2.powerOff();
    await untilHolds(pair.lb1, vips.second);
    await pair.lb2.powerOn();
    await start(pair.lb2);
    await untilHolds(pair.lb2, vips.second);
    await untilFree(pair.lb1, vips.second);
    expect(movements.output()).not.toMatch(/^Deleted .*192\.0\.2\.100\//m);
    expect((await instanceOf(first, "first")).state).toBe("active");
  });

  test("says in the status why an instance is in its state", async () => {
    await using pair = await createPair();
    const [first, second] = await startBoth(pair);
    await pair.lb1.powerOff();
    await untilHolds(pair.lb2, vips.first);
    await waitFor(
      "lb2's status shows it",
      async () => (await instanceOf(second, "first")).state === "active",
    );
    const { reason } = await instanceOf(second, "first");
    expect(reason).not.toBe("");
    expect(second.log()).toContain(reason);
    void first;
  });
});
