import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { HandoverReport } from "../../src/ipc/handover.ts";
import { type ClusterFileOptions, nodesFile, pairFile, vips } from "../support/cluster-file.ts";
import { instanceOf, rolePids, startEdgeHa, type EdgeHa } from "../support/edge-ha.ts";
import { startKeepalived } from "../support/keepalived.ts";
import { signalQuietly } from "../support/lab-host.ts";
import { type Host, waitFor } from "../support/lab.ts";
import { createPair, type Pair } from "../support/pair.ts";
import { startEcho, startUdpProbe, switchSilenceMs } from "../support/probe.ts";

setDefaultTimeout(60_000);

const start = (host: Host, config: string): Promise<EdgeHa> => startEdgeHa(host, { config, node: host.name });

async function untilOnly(holder: Host, other: Host, ...addresses: string[]): Promise<void> {
  await waitFor(`${holder.name} alone holds ${addresses.join()}`, async () => {
    const here = await holder.addresses();
    const there = await other.addresses();
    return addresses
      .map((address) => `${address}/24`)
      .every((each) => here.includes(each) && !there.includes(each));
  });
}

/** Starts a pair whose first address is lb1's; the result knows the peer. */
async function startPair({ lb1, lb2 }: Pair, o: ClusterFileOptions = {}): Promise<[EdgeHa, EdgeHa]> {
  const first = await start(lb1, pairFile(o));
  await waitFor("lb1 holds its address", () => lb1.holds(vips.first));
  const second = await start(lb2, pairFile(o));
  await waitFor("lb2 follows lb1", async () => (await instanceOf(second, "first")).peer !== null);
  await untilOnly(lb1, lb2, vips.first);
  if (o.preempts ?? true) await untilOnly(lb2, lb1, vips.second);
  return [first, second];
}

/** An interval at which a switch that is not made before the break would be dark for 600 ms. */
const slow = { advertInterval: "1s" } as const;

async function handOverUnderObservation(pair: Pair, node: EdgeHa): Promise<string> {
  const { lb1, lb2, client } = pair;
  for (const host of [lb1, lb2]) await startEcho(host);
  const probe = await startUdpProbe(client, vips.first);
  await waitFor("the client knows the way", async () =>
    (await client.run(["ip", "neighbour"])).stdout.includes("lladdr"),
  );
  const { exitCode, stdout, stderr } = await node.command("failover", "first");
  expect([exitCode, stderr]).toEqual([0, ""]);
  await untilOnly(lb2, lb1, vips.first);
  await waitFor("the client asks lb2", async () => {
    const again = await startUdpProbe(client, vips.first);
    await Bun.sleep(20);
    return (await again.stop()).holders.at(-1)?.name === "lb2";
  });
  const report = await probe.stop();
  expect([...new Set(report.holders.map(({ name }) => name))]).toEqual(["lb1", "lb2"]);
  expect(switchSilenceMs(report)).toBeLessThan(400);
  return stdout;
}

describe("edge-ha failover", () => {
  for (const version of [2, 3] as const) {
    test(`hands an address to the other node in version ${version} with a client that sees no gap, until --back`, async () => {
      await using pair = await createPair();
      const [first, second] = await startPair(pair, { version, ...slow });
      const said = await handOverUnderObservation(pair, first);
      expect(said).toMatch(/^first: lb2 holds it since \S+Z; handed over in \d+ ms\n$/);
      const { claims, handedOverAt, priority } = await instanceOf(first, "first");
      expect([priority, claims]).toEqual([1, [`handed over by the operator at ${handedOverAt}: priority 1`]]);
      expect((await first.command("status")).stdout).toContain("handed over by the operator at");
      expect((await instanceOf(second, "first")).state).toBe("active");
      const back = await first.command("failover", "--back", "first");
      expect([back.exitCode, back.stderr]).toEqual([0, ""]);
      expect(back.stdout).toMatch(/^first: this node holds it, after .*, and claims with priority 254\n$/);
      await untilOnly(pair.lb1, pair.lb2, vips.first);
    });
  }

  test("keeps what was handed over through a crash of the election and a reload, and forgets it at a restart", async () => {
    await using pair = await createPair();
    const [first] = await startPair(pair);
    const report = await first.command("failover", "--all", "--json");
    const { outcomes } = JSON.parse(report.stdout) as HandoverReport;
    expect(outcomes.map(({ name, isDone, holder }) => [name, isDone, holder?.node])).toEqual([
      ["first", true, "lb2"],
    ]);
    const [pid] = await rolePids(pair.lb1, "vrrp");
    signalQuietly(pid ?? 0, "SIGKILL");
    const isHandedOver = async (): Promise<boolean> => {
      const { processes, instances } = await first.status();
      const isNew = processes.some(({ role, restarts }) => role === "vrrp" && restarts === 1);
      return isNew && instances.some(({ name, priority }) => name === "first" && priority === 1);
    };
    await waitFor("the new process knows", isHandedOver);
    expect((await first.reload(pairFile({ advertInterval: "120ms" }))).exitCode).toBe(0);
    expect((await instanceOf(first, "first")).priority).toBe(1);
    await untilOnly(pair.lb2, pair.lb1, vips.first);
    // The other node dies: better with priority 1 than nowhere.
    await pair.lb2.powerOff();
    await waitFor("lb1 takes over", () => pair.lb1.holds(vips.first));
    expect((await instanceOf(first, "first")).priority).toBe(1);
    await first.stop();
    const again = await start(pair.lb1, pairFile());
    await waitFor("lb1 is active", async () => (await instanceOf(again, "first")).state === "active");
    expect((await instanceOf(again, "first")).priority).toBe(254);
  });

  test("leaves the address where it is, and says so, when no other node is there", async () => {
    await using pair = await createPair();
    const first = await start(pair.lb1, pairFile());
    await waitFor("lb1 holds its address", () => pair.lb1.holds(vips.first));
    const movements = pair.lb1.spawn(["ip", "monitor", "address"]);
    const { exitCode, stdout } = await first.command("failover", "first");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^first: nobody took over within .*: this node holds it as before\n$/);
    expect(movements.output()).not.toContain("Deleted");
    expect(await instanceOf(first, "first")).toMatchObject({ state: "active", priority: 254, claims: [] });
  });

  test("does not take the address back by itself where nodes do not preempt either", async () => {
    await using pair = await createPair();
    const [first] = await startPair(pair, { preempts: false });
    expect((await first.command("failover", "--all")).exitCode).toBe(0);
    await untilOnly(pair.lb2, pair.lb1, vips.first, vips.second);
    const back = await first.command("failover", "--back");
    expect(back.exitCode).toBe(0);
    expect(back.stdout).toContain("first: claims with priority 254 again; lb2 holds it with priority");
    await untilOnly(pair.lb2, pair.lb1, vips.first, vips.second);
  });

  test("moves a sync group as a whole", async () => {
    await using pair = await createPair();
    // Both prefer lb1 here: the nodes of a group have one order.
    const tables = `[[sync_group]]\nname = "both"\nvips = ["first", "second"]\n`;
    const config = pairFile({ tables }).replace('prefer = ["lb2", "lb1"]', 'prefer = ["lb1", "lb2"]');
    const first = await start(pair.lb1, config);
    await start(pair.lb2, config);
    await untilOnly(pair.lb1, pair.lb2, vips.first, vips.second);
    await waitFor("lb1 claims for longer than a moment", async () =>
      (await first.status()).instances.every(({ state }) => state === "active"),
    );
    const { exitCode, stdout } = await first.command("failover", "second");
    expect(exitCode).toBe(0);
    expect(stdout.split("\n").map((line) => line.slice(0, line.indexOf(" since")))).toEqual([
      "first: lb2 holds it",
      "second: lb2 holds it",
      "",
    ]);
    await untilOnly(pair.lb2, pair.lb1, vips.first, vips.second);
    expect((await first.command("failover", "--back", "both")).exitCode).toBe(0);
    await untilOnly(pair.lb1, pair.lb2, vips.first, vips.second);
  });

  for (const [label, version, seconds] of [
    ["version 2", 2, 1],
    ["version 3", 3, 0.3],
  ] as const) {
    test(`hands an address to keepalived and takes it back in ${label}`, async () => {
      await using pair = await createPair();
      const head = nodesFile({ version, advertInterval: `${seconds * 1000}ms` });
      const ours = await start(
        pair.lb1,
        `${head}[[vrrp]]\nname = "first"\ninterface = "eth0"\nvrid = 51\nnodes = ["lb1"]\npriority = 200\naddresses = ["${vips.first}/24"]\n`,
      );
      await waitFor("lb1 holds the address", () => pair.lb1.holds(vips.first));
      const peer = await startKeepalived(pair.lb2, [
        {
          interface: "eth0",
          version,
          vrid: 51,
          priority: 100,
          advertInterval: seconds,
          addresses: [`${vips.first}/24`],
        },
      ]);
      await waitFor("keepalived is backup", () => peer.output().includes("Entering BACKUP STATE"));
      const sent = (await instanceOf(ours, "first")).counters["sent"] ?? 0;
      await waitFor("keepalived has heard us", async () => {
        return ((await instanceOf(ours, "first")).counters["sent"] ?? 0) > sent + 1;
      });
      const said = await handOverUnderObservation(pair, ours);
      expect(said).toMatch(/^first: 192\.0\.2\.12 holds it since .*; handed over in /);
      expect((await ours.command("failover", "--back")).exitCode).toBe(0);
      await untilOnly(pair.lb1, pair.lb2, vips.first);
    });
  }

  test("refuses an unknown name, and an order without a name", async () => {
    await using pair = await createPair();
    const first = await start(pair.lb1, pairFile());
    const unknown = await first.command("failover", "frist");
    expect([unknown.exitCode, unknown.stderr]).toEqual([
      1,
      "there is no virtual router or sync group frist on this node; there are: first, second\n",
    ]);
    expect((await first.command("failover")).exitCode).toBe(2);
  });
});
