import { expect, setDefaultTimeout, test } from "bun:test";
import { nodesFile } from "../../support/cluster-file.ts";
import { startEdgeHa } from "../../support/edge-ha.ts";
import { Lab, waitFor } from "../../support/lab.ts";
import { loadReport } from "../../support/load.ts";

setDefaultTimeout(60_000);

function file(workers: number, ports: readonly number[]): string {
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
`;
}

test("reloads that change the number of processes, and add and remove listeners, fail no request of the listeners that stay", async () => {
  await using lab = await Lab.create();
  await lab.bridge("lan");
  const host = await lab.host("lb1", { eth0: { bridge: "lan", address: "192.0.2.11/24" } });
  const client = await lab.host("client", { eth0: { bridge: "lan", address: "192.0.2.1/24" } });
  const node = await startEdgeHa(host, { config: file(1, [80]), node: "lb1" });
  const load = (...words: readonly string[]) =>
    client.spawn(["nice", "wrk", "-t1", "-c8", "-d7s", "--timeout", "5s", ...words, "http://192.0.2.11/"]);
  const loads = [load(), load("-H", "Connection: close")];
  const answers = async (port: number): Promise<string> =>
    (await client.run(["curl", "-s", "-m", "2", `http://192.0.2.11:${port}/`])).stdout;

  for (const [workers, ports] of [
    [3, [80, 81]],
    [2, [80, 82]],
    [1, [80]],
    [2, [80, 81, 82]],
  ] as const) {
    const { exitCode, stderr } = await node.reload(file(workers, ports));
    expect([exitCode, stderr]).toEqual([0, ""]);
    await waitFor(`there are ${workers} that take clients`, async () => {
      const { processes } = await node.status();
      return processes.filter(({ role }) => role.startsWith("proxy")).length === workers;
    });
    for (const port of [80, 81, 82])
      expect(await answers(port)).toBe(ports.some((one) => one === port) ? "here" : "");
  }
  for (const one of loads) {
    const { badStatuses, errors, requests, text } = await loadReport(one);
    expect([badStatuses, errors], text).toEqual([0, 0]);
    expect(requests).toBeGreaterThan(1_000);
  }
});
