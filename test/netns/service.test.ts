import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { pairFile, vips } from "../support/cluster-file.ts";
import { spawnEdgeHa, startEdgeHa } from "../support/edge-ha.ts";
import { waitFor, type Host } from "../support/lab.ts";
import { startNginx } from "../support/nginx.ts";
import { createPair } from "../support/pair.ts";

setDefaultTimeout(60_000);

const service = (forward: string, more = ""): string => `[[service]]
name = "web"
vips = ["first"]
port = 8080
forward = "${forward}"
scheduler = "rr"
servers = [{ address = "192.0.2.21", port = 80 }, { address = "192.0.2.22", port = 80 }]
check = { type = "http", path = "/", interval = "200ms", timeout = "200ms", retries = 0 }
${more}
`;

/** Asks several times and gives the names of the servers that answered; an empty one for no answer. */
async function answersFrom(client: Host, times: number): Promise<string[]> {
  const names: string[] = [];
  for (let i = 0; i < times; i += 1) {
    const { stdout } = await client.run(["curl", "-s", "-m", "2", `http://${vips.first}:8080/`]);
    names.push(stdout.split(" ")[0] ?? "");
  }
  return names;
}

describe('a service with forward = "proxy"', () => {
  test("relays to each server in turn, leaves a dead one out and takes it in again", async () => {
    await using pair = await createPair();
    const { lb1, web1, web2, client } = pair;
    for (const web of [web1, web2]) await startNginx(web);
    await startEdgeHa(lb1, { config: pairFile({ tables: service("proxy") }), node: "lb1" });
    await waitFor("lb1 holds the address", () => lb1.holds(vips.first));
    await waitFor("both answer", async () => new Set(await answersFrom(client, 8)).size === 2);
    await web2.powerOff();
    await waitFor("only web1 answers", async () =>
      (await answersFrom(client, 8)).every((name) => name === "web1"),
    );
    await web2.powerOn();
    await startNginx(web2);
    await waitFor("both answer again", async () => new Set(await answersFrom(client, 8)).size === 2);
  });

  test("turns to the sorry server when every server is down", async () => {
    await using pair = await createPair();
    const { lb1, lb2, web1, web2, client } = pair;
    for (const web of [web1, web2, lb2]) await startNginx(web);
    const tables = service("proxy", 'sorry = "192.0.2.12:80"');
    await startEdgeHa(lb1, { config: pairFile({ tables }), node: "lb1" });
    await waitFor("both answer", async () => new Set(await answersFrom(client, 8)).size === 2);
    await Promise.all([web1.powerOff(), web2.powerOff()]);
    await waitFor("the sorry server answers", async () =>
      (await answersFrom(client, 4)).every((name) => name === "lb2"),
    );
  });
});

describe('a service with forward = "dr"', () => {
  test("stops the start with what to do about it where the kernel has no IPVS", async () => {
    await using pair = await createPair();
    const { lb1 } = pair;
    const before = await lb1.addresses();
    // Direct routing leaves the port as it is.
    const tables = service("dr").replace("port = 8080", "port = 80");
    const node = await spawnEdgeHa(lb1, { config: pairFile({ tables }), node: "lb1" });
    if (existsSync("/proc/net/ip_vs")) {
      // This machine's kernel has it: the node must start.
      await waitFor("the node is up", () => node.log().includes("is up"));
      return;
    }
    expect(await node.exited).toBe(1);
    expect(node.log()).toContain("IPVS");
    expect(node.log()).toContain("ip_vs");
    expect(node.log()).toContain('forward = "proxy"');
    expect(await lb1.addresses()).toEqual(before);
    expect(await lb1.pids()).toEqual([]);
  });
});
