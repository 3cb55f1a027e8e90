import { expect, setDefaultTimeout, test } from "bun:test";
import { pairFile, vips } from "../support/cluster-file.ts";
import { instanceOf, rolePids, startEdgeHa, type EdgeHa } from "../support/edge-ha.ts";
import { waitFor, type Host } from "../support/lab.ts";
import { createPair, type Pair } from "../support/pair.ts";

setDefaultTimeout(60_000);

const config = pairFile({ advertInterval: "1s" });

async function startBoth({ lb1, lb2 }: Pair): Promise<readonly [EdgeHa, EdgeHa]> {
  const first = await startEdgeHa(lb1, { config, node: "lb1" });
  await waitFor(
    "lb1 holds both addresses",
    async () => (await lb1.holds(vips.first)) && lb1.holds(vips.second),
  );
  const second = await startEdgeHa(lb2, { config, node: "lb2" });
  await waitFor("lb2 holds its own", () => lb2.holds(vips.second));
  await waitFor("lb1 has let go of it", async () => !(await lb1.holds(vips.second)));
  return [first, second];
}

/** Stops every process of a node, and then kills them: nobody can say farewell. */
async function killAll(host: Host, node: EdgeHa): Promise<void> {
  const roles = await Promise.all(
    (["vrrp", "director", "proxy"] as const).map((role) => rolePids(host, role)),
  );
  const pids = [node.pid, ...roles.flat()];
  for (const signal of ["SIGSTOP", "SIGKILL"] as const) for (const pid of pids) process.kill(pid, signal);
  await node.exited;
}

test("a node that is killed with all its processes loses its address, though nobody is left to remove it", async () => {
  await using pair = await createPair();
  const [first] = await startBoth(pair);
  await killAll(pair.lb1, first);
  expect(await pair.lb1.holds(vips.first)).toBe(true);
  await waitFor("lb2 has taken over", () => pair.lb2.holds(vips.first));
  await waitFor("lb1 has lost the address", async () => !(await pair.lb1.holds(vips.first)));
});

test("a node that is killed and started again at once goes on with its address, and nothing moves", async () => {
  await using pair = await createPair();
  const [first, second] = await startBoth(pair);
  const removals = pair.lb1.spawn(["ip", "monitor", "address"]);
  await killAll(pair.lb1, first);
  const again = await startEdgeHa(pair.lb1, { config, node: "lb1" });
  expect(await instanceOf(again, "first")).toMatchObject({ state: "active" });
  const { counters } = await instanceOf(second, "first");
  await waitFor("lb2 hears it", async () => {
    return ((await instanceOf(second, "first")).counters["received"] ?? 0) > (counters["received"] ?? 0) + 4;
  });
  expect((await instanceOf(second, "first")).state).toBe("backup");
  expect((await instanceOf(second, "first")).counters["becameActive"]).toBe(counters["becameActive"] ?? -1);
  expect(removals.output()).not.toContain(`Deleted`);
});

test("a frozen process loses its address, and leaves it with its successor when it goes on without preempt", async () => {
  await using pair = await createPair();
  const calm = pairFile({ advertInterval: "1s", preempts: false });
  const first = await startEdgeHa(pair.lb1, { config: calm, node: "lb1" });
  await waitFor("lb1 holds the address", () => pair.lb1.holds(vips.first));
  const second = await startEdgeHa(pair.lb2, { config: calm, node: "lb2" });
  await waitFor("lb2 follows", async () => (await instanceOf(second, "first")).peer !== null);
  // The supervisor too, which would kill a child that hangs.
  const frozen = [first.pid, ...(await rolePids(pair.lb1, "vrrp"))];
  for (const pid of frozen) process.kill(pid, "SIGSTOP");
  await waitFor("lb2 has taken over", () => pair.lb2.holds(vips.first));
  await waitFor("lb1 has lost the address", async () => !(await pair.lb1.holds(vips.first)));
  const returns = pair.lb1.spawn(["ip", "monitor", "address"]);
  for (const pid of frozen.toReversed()) process.kill(pid, "SIGCONT");
  await waitFor("lb1 is backup", async () => {
    const { instances } = await first.status();
    return instances.find(({ name }) => name === "first")?.state === "backup";
  });
  expect(returns.output()).not.toContain(vips.first);
  expect(await pair.lb2.holds(vips.first)).toBe(true);
});
