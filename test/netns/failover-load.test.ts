import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { pairFile, siteTables, vips } from "../support/cluster-file.ts";
import { startEdgeHa, type EdgeHa } from "../support/edge-ha.ts";
import { waitFor, type Host } from "../support/lab.ts";
import { connections, endLoad, startLoad, type LoadReport } from "../support/load.ts";
import { startNginx } from "../support/nginx.ts";
import { createPair, type Pair } from "../support/pair.ts";

setDefaultTimeout(60_000);

/** A server that is late is not dead, and one that is dead is known to be before anybody has waited for it in vain. */
function start(host: Host): Promise<EdgeHa> {
  const tables = siteTables(join(host.directory, "access.log"))
    .replace('timeout = "300ms"', 'timeout = "1s"')
    .replace('read = "1s"', 'read = "4s"');
  return startEdgeHa(host, { config: pairFile({ tables }), node: host.name });
}

async function startAll(pair: Pair): Promise<[EdgeHa, EdgeHa]> {
  for (const web of [pair.web1, pair.web2]) await startNginx(web);
  const nodes: [EdgeHa, EdgeHa] = [await start(pair.lb1), await start(pair.lb2)];
  await waitFor("lb1 holds its address", () => pair.lb1.holds(vips.first));
  await waitFor("lb2 alone holds its own", async () => {
    return (await pair.lb2.holds(vips.second)) && !(await pair.lb1.holds(vips.second));
  });
  return nodes;
}

/** Counts the requests that a host's proxies have answered. */
async function answered(node: EdgeHa): Promise<number> {
  return (await node.status()).proxies.reduce((sum, { requests }) => sum + requests, 0);
}

/** Waits until so many requests more have been answered. */
async function answers(node: EdgeHa, more: number): Promise<void> {
  const before = await answered(node);
  await waitFor(`${more} requests more are answered`, async () => (await answered(node)) > before + more);
}

/** Has clients of both addresses while something happens to lb1, and until lb2 has answered those of both. */
async function underLoad(
  pair: Pair,
  [first, second]: readonly [EdgeHa, EdgeHa],
  event: () => Promise<unknown>,
): Promise<[LoadReport, LoadReport]> {
  const loads = [startLoad(pair.client, vips.first), startLoad(pair.client, vips.second)] as const;
  for (const node of [first, second]) await answers(node, 500);
  await event();
  await waitFor("lb2 holds both addresses", () => pair.lb2.holds(vips.first));
  const other = await endLoad(loads[1]);
  // What lb2 answered for its own address is not all it answers.
  await waitFor(
    "lb2 answers for the other address too",
    async () => (await answered(second)) > other.requests + 10 * connections,
  );
  return [await endLoad(loads[0]), other];
}

describe("L7 under load", () => {
  test("loses no more than what was in flight when the active host loses its power", async () => {
    await using pair = await createPair();
    const [moved, other] = await underLoad(pair, await startAll(pair), () => pair.lb1.powerOff());
    // Each open connection ends once, in a reset or a timeout, and is opened again.
    expect(moved.errors).toBeLessThanOrEqual(2 * connections);
    expect(moved.badStatuses).toBe(0);
    expect(other.errors).toBe(0);
    expect(other.badStatuses).toBe(0);
    expect(other.requests).toBeGreaterThan(0);
  });

  test("loses nothing when the active node is stopped", async () => {
    await using pair = await createPair();
    const nodes = await startAll(pair);
    const [moved, other] = await underLoad(pair, nodes, () => nodes[0].stop());
    expect(moved.errors, moved.text).toBe(0);
    expect(moved.badStatuses).toBe(0);
    expect(other.errors).toBe(0);
    expect(other.badStatuses).toBe(0);
  });

  test("loses no more than what was in flight when a web server loses its power", async () => {
    await using pair = await createPair();
    const [first] = await startAll(pair);
    const load = startLoad(pair.client, vips.first);
    await answers(first, 500);
    await pair.web2.powerOff();
    await waitFor("the check finds out", async () => {
      const { probes } = await first.status();
      return probes.some(({ target, isUp }) => target.address === "192.0.2.22" && !isUp);
    });
    // By the other one.
    await answers(first, 100);
    const report = await endLoad(load);
    expect(report.errors).toBe(0);
    // What the dead server had already been asked runs into the read timeout: 504.
    expect(report.badStatuses).toBeLessThanOrEqual(connections);
  });
});
