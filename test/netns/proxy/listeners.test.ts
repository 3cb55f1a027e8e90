import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nodesFile } from "../../support/cluster-file.ts";
import { startEdgeHa } from "../../support/edge-ha.ts";
import { type Child, Lab, waitFor } from "../../support/lab.ts";
import { endLoad } from "../../support/load.ts";

setDefaultTimeout(120_000);

/** The statuses of both loads' answers go to a log for each. */
function file(folder: string, workers: number, ports: readonly number[]): string {
  const path = (name: string): string => `[[site.route]]
path = "/${name}"
respond = { status = 200, body = "here" }
access_log = { path = "${join(folder, name)}", format = "$status" }`;
  return `${nodesFile()}
[proxy]
workers = ${workers}
${ports.map((port) => `[[listener]]\nname = "l${port}"\naddress = "192.0.2.11:${port}"`).join("\n")}
[[site]]
hosts = ["*"]
listeners = [${ports.map((port) => `"l${port}"`).join(", ")}]
[[site.route]]
path = "/"
respond = { status = 200, body = "here" }
${path("kept")}
${path("closing")}
`;
}

test("reloads that change the number of processes, and add and remove listeners, fail no request of the listeners that stay", async () => {
  await using lab = await Lab.create();
  await lab.bridge("lan");
  const host = await lab.host("lb1", { eth0: { bridge: "lan", address: "192.0.2.11/24" } });
  const client = await lab.host("client", { eth0: { bridge: "lan", address: "192.0.2.1/24" } });
  const node = await startEdgeHa(host, { config: file(host.directory, 1, [80]), node: "lb1" });
  const how = ["-t1", "-c8", "-d100s", "--timeout", "5s"];
  const load = (
    name: string,
    ...words: readonly string[]
  ): { readonly name: string; readonly wrk: Child } => {
    const wrk = client.spawn(["nice", "wrk", ...how, ...words, `http://192.0.2.11/${name}`]);
    return { name, wrk };
  };
  const loads = [load("kept"), load("closing", "-H", "Connection: close")];
  const answered = (name: string): number =>
    readFileSync(join(host.directory, name), "latin1").split("200\n").length - 1;
  const answers = async (port: number): Promise<string> =>
    (await client.run(["curl", "-s", "-m", "2", `http://192.0.2.11:${port}/`])).stdout;

  for (const [workers, ports] of [
    [3, [80, 81]],
    [2, [80, 82]],
    [1, [80]],
    [2, [80, 81, 82]],
  ] as const) {
    const { exitCode, stderr } = await node.reload(file(host.directory, workers, ports));
    expect([exitCode, stderr]).toEqual([0, ""]);
    await waitFor(`there are ${workers} that take clients`, async () => {
      const { processes } = await node.status();
      return processes.filter(({ role }) => role.startsWith("proxy")).length === workers;
    });
    for (const port of [80, 81, 82])
      expect(await answers(port)).toBe(ports.some((one) => one === port) ? "here" : "");
  }
  for (const { name, wrk } of loads) {
    await waitFor(`a thousand answers to ${name}`, () => answered(name) > 1_000, 30_000);
    const { badStatuses, errors, requests, text } = await endLoad(wrk);
    expect([badStatuses, errors], text).toEqual([0, 0]);
    expect(requests).toBeGreaterThan(1_000);
  }
});
