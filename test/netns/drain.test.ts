import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join, resolve } from "node:path";
import { pairFile, siteTables, vips } from "../support/cluster-file.ts";
import { startEdgeHa, type EdgeHa } from "../support/edge-ha.ts";
import { type Child, type Host, waitFor } from "../support/lab.ts";
import { endLoad, startLoad } from "../support/load.ts";
import { startNginx } from "../support/nginx.ts";
import { createPair, type Pair } from "../support/pair.ts";

setDefaultTimeout(60_000);

const program = (name: string): string => resolve(import.meta.dir, "../support", name);

/** A TCP service beside the site, on port 81. */
const relay = `[[service]]
name = "relay"
vips = ["first"]
port = 81
forward = "proxy"
scheduler = "rr"
servers = [{ address = "192.0.2.21", port = 80 }]
`;

function start(host: Host, drainTimeout: string): Promise<EdgeHa> {
  const tables = `${siteTables(join(host.directory, "access.log"))}\n${relay}`;
  return startEdgeHa(host, { config: pairFile({ tables, drainTimeout }), node: host.name });
}

async function startNodes(pair: Pair, drainTimeout = "3s"): Promise<[EdgeHa, EdgeHa]> {
  const nodes: [EdgeHa, EdgeHa] = [await start(pair.lb1, drainTimeout), await start(pair.lb2, drainTimeout)];
  await waitFor("each alone holds its own", async () => {
    const held = [...(await pair.lb1.addresses()), "and", ...(await pair.lb2.addresses())];
    const virtual = held.filter(
      (one) => one === "and" || [vips.first, vips.second].includes(one.split("/")[0] ?? ""),
    );
    return virtual.join(" ") === `${vips.first}/24 and ${vips.second}/24`;
  });
  return nodes;
}

/** Starts the slow web servers, and waits until the site answers. */
async function startSlowWeb(pair: Pair): Promise<void> {
  for (const web of [pair.web1, pair.web2]) {
    const server = web.spawn(["node", program("slow-page.mjs")]);
    await waitFor(`${web.name} listens`, () => server.output().includes("listening"));
  }
}

/** Counts the requests that a node's proxies have answered. */
async function answered(node: EdgeHa): Promise<number> {
  return (await node.status()).proxies.reduce((sum, { requests }) => sum + requests, 0);
}

/** Starts a download that takes some milliseconds, and waits for its first bytes. */
async function download(client: Host, ms: number, port = 80): Promise<Child> {
  const format = "\\n%{http_code} %{size_download} %{exitcode}\\n";
  const child = client.spawn(["curl", "-sN", "-w", format, `http://${vips.first}:${port}/slow/${ms}`]);
  await waitFor("it has begun", () => child.output().includes("xxx"));
  return child;
}

/** Gives status, bytes and curl's exit code: 0 complete, 18 ended before the end. */
async function result(child: Child): Promise<string> {
  await child.exited;
  return child.output().trim().split("\n").at(-1) ?? "";
}

describe("open connections when an address is handed over", () => {
  test("lose no request under load, on a failover by command and on a stop", async () => {
    await using pair = await createPair();
    for (const web of [pair.web1, pair.web2]) await startNginx(web);
    const [first, second] = await startNodes(pair);
    const load = startLoad(pair.client, vips.first);
    await waitFor("lb1 serves it", async () => (await answered(first)) > 500);
    expect((await first.command("failover", "first")).stdout).toMatch(/^first: lb2 holds it since /);
    await waitFor("lb2 serves it", async () => (await answered(second)) > 100);
    expect(await second.stop()).toBe(0);
    await waitFor("lb1 holds it again", () => pair.lb1.holds(vips.first));
    await waitFor("lb1 serves it again", async () => (await answered(first)) > 1_000);
    const { errors, badStatuses, requests, text } = await endLoad(load);
    expect([errors, badStatuses], text).toEqual([0, 0]);
    expect(requests).toBeGreaterThan(1_000);
  });

  test("end by themselves before the deadline, and are not waited for with --now", async () => {
    await using pair = await createPair();
    await startSlowWeb(pair);
    const [first, second] = await startNodes(pair, "10s");
    const downloads = [await download(pair.client, 1_500), await download(pair.client, 1_500, 81)];
    expect((await first.command("failover", "first")).exitCode).toBe(0);
    expect(await Promise.all(downloads.map(result))).toEqual(["200 20000 0", "200 20000 0"]);
    expect(first.log()).not.toContain("ended before the handover");
    await waitFor("lb2 holds it", () => pair.lb2.holds(vips.first));
    const cutShort = await download(pair.client, 15_000);
    expect((await second.command("failover", "first", "--now")).exitCode).toBe(0);
    expect(await result(cutShort)).toMatch(/^200 \d{4,5} 18$/);
  });

  test("are ended in order at the deadline, which the log says", async () => {
    await using pair = await createPair();
    await startSlowWeb(pair);
    const [first] = await startNodes(pair, "300ms");
    const downloads = [await download(pair.client, 15_000), await download(pair.client, 15_000, 81)];
    expect((await first.command("failover", "first")).exitCode).toBe(0);
    for (const said of await Promise.all(downloads.map(result))) expect(said).toMatch(/^200 \d{4,5} 18$/);
    expect(first.log()).toContain("first: 2 connections in use after 300 ms: ended before the handover");
  });

  test("are waited for on a reload that takes the address away", async () => {
    await using pair = await createPair();
    await startSlowWeb(pair);
    const [first] = await startNodes(pair, "10s");
    const finished = await download(pair.client, 1_500);
    const tables = siteTables(join(pair.lb1.directory, "access.log"));
    const without = pairFile({ tables, drainTimeout: "10s" }).replace(
      /prefer = \["lb1", "lb2"\]/,
      'prefer = ["lb2"]',
    );
    expect((await first.reload(without)).exitCode).toBe(0);
    expect(await result(finished)).toBe("200 20000 0");
    await waitFor("lb2 holds it", () => pair.lb2.holds(vips.first));
  });

  test("are waited for when a reload prefers the other node, and when a tracked file gives the address up", async () => {
    await using pair = await createPair();
    await startSlowWeb(pair);
    const [first, second] = await startNodes(pair, "10s");
    const preferred = await download(pair.client, 2_500);
    const leave = join(pair.lb2.directory, "leave");
    for (const [node, more] of [
      [first, ""],
      [second, `[[track]]\nfile = "${leave}"\n`],
    ] as const) {
      const text = await Bun.file(node.configPath).text();
      const other = text.replace('prefer = ["lb1", "lb2"]', 'prefer = ["lb2", "lb1"]');
      expect((await node.reload(`${other}\n${more}`)).exitCode).toBe(0);
    }
    await waitFor("lb2 has asked", () =>
      second.log().includes("first: lb1 ends its open connections before"),
    );
    expect(await result(preferred)).toBe("200 20000 0");
    await waitFor("lb2 alone holds it", async () => {
      return (await pair.lb2.holds(vips.first)) && !(await pair.lb1.holds(vips.first));
    });
    const givenUp = await download(pair.client, 1_500);
    await Bun.write(leave, "1\n");
    expect(await result(givenUp)).toBe("200 20000 0");
    await waitFor("lb1 holds it again", () => pair.lb1.holds(vips.first));
    expect(second.log()).toContain(`first: active → leaving: track leave: ${leave} says 1`);
    for (const node of [first, second]) expect(node.log()).not.toContain("ended before the handover");
  });

  test("are waited for when the preferred node comes back, and when it is told to take the address back", async () => {
    await using pair = await createPair();
    await startSlowWeb(pair);
    const [first, second] = await startNodes(pair, "10s");
    expect(await first.stop()).toBe(0);
    await waitFor("lb2 holds it", () => pair.lb2.holds(vips.first));
    const throughout = [await download(pair.client, 2_500), await download(pair.client, 2_500, 81)];
    const again = await start(pair.lb1, "10s");
    await waitFor("lb1 has asked", () => again.log().includes("first: lb2 ends its open connections before"));
    expect(await Promise.all(throughout.map(result))).toEqual(["200 20000 0", "200 20000 0"]);
    await waitFor("lb1 holds it", () => pair.lb1.holds(vips.first));
    expect((await again.command("failover", "first")).exitCode).toBe(0);
    const untilBack = await download(pair.client, 1_500);
    const { exitCode, stdout } = await again.command("failover", "--back");
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^first: this node holds it, after /)]);
    expect(await result(untilBack)).toBe("200 20000 0");
    expect(second.log()).toContain(
      "first: active → leaving: handed over to lb1 (192.0.2.11), which has priority",
    );
    expect(second.log()).not.toContain("ended before the handover");
  });
});
