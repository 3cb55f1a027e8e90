import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pairFile, siteTables, vips } from "../support/cluster-file.ts";
import { executable, instanceOf, rolePids, spawnEdgeHa, startEdgeHa } from "../support/edge-ha.ts";
import { signalQuietly } from "../support/lab-host.ts";
import { waitFor, type Host } from "../support/lab.ts";
import { startNginx } from "../support/nginx.ts";
import { createPair, type Pair } from "../support/pair.ts";
import { failureCount, startHttpProbe } from "../support/probe.ts";

setDefaultTimeout(60_000);

/** A site whose only server is web1, or web2. */
function fileWith(host: Host, server: "192.0.2.21" | "192.0.2.22", more = ""): string {
  const site = siteTables(join(host.directory, "access.log"));
  const both = 'servers = [{ address = "192.0.2.21:80" }, { address = "192.0.2.22:80" }]';
  return pairFile({ tables: `${site.replace(both, `servers = [{ address = "${server}:80" }]`)}\n${more}` });
}

async function bodyFrom(client: Host, address: string): Promise<string> {
  return (await client.run(["curl", "-s", "-m", "2", `http://${address}/`])).stdout;
}

async function startWebServers({ web1, web2 }: Pair): Promise<void> {
  for (const web of [web1, web2]) await startNginx(web);
}

const otherSite = `
[[site]]
hosts = ["other.example"]
listeners = ["http"]
[[site.route]]
path = "/"
upstream = "web"
`;

function program(name: string): string {
  return join(import.meta.dir, "../support", name);
}

describe("a reload", () => {
  test("applies a changed configuration without losing a request or moving an address", async () => {
    await using pair = await createPair();
    const { lb1, client } = pair;
    await startWebServers(pair);
    const node = await startEdgeHa(lb1, { config: fileWith(lb1, "192.0.2.21"), node: "lb1" });
    await waitFor("web1 answers", async () => (await bodyFrom(client, vips.first)).startsWith("web1"));
    const movements = lb1.spawn(["ip", "monitor", "address"]);
    const probe = await startHttpProbe(client, { address: vips.first, timeoutMs: 5_000 });
    const { exitCode, stderr } = await node.reload(fileWith(lb1, "192.0.2.22"));
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    await waitFor("web2 answers", async () => (await bodyFrom(client, vips.first)).startsWith("web2"));
    await Bun.sleep(300);
    const report = await probe.stop();
    expect(report.failures).toEqual({});
    expect(report.answersBy["web1"]).toBeGreaterThan(0);
    expect(report.answersBy["web2"]).toBeGreaterThan(0);
    expect(movements.output()).not.toContain("Deleted");
  });

  test("adds and removes addresses and listening ports as the file says", async () => {
    await using pair = await createPair();
    const { lb1, client } = pair;
    await startWebServers(pair);
    const node = await startEdgeHa(lb1, { config: fileWith(lb1, "192.0.2.21"), node: "lb1" });
    await waitFor("lb1 holds its address", () => lb1.holds(vips.first));
    const third = `[[vip]]
name = "third"
address = "192.0.2.102/24"
interface = "eth0"
vrid = 53
prefer = ["lb1", "lb2"]
`;
    const probe = await startHttpProbe(client, { address: vips.first, timeoutMs: 5_000 });
    const more = fileWith(lb1, "192.0.2.21", third).replace('address = ":80"', 'address = ":8080"');
    expect((await node.reload(more)).exitCode).toBe(0);
    await waitFor("lb1 holds the new address", () => lb1.holds("192.0.2.102"));
    await waitFor("the new port answers", async () => (await bodyFrom(client, "192.0.2.102:8080")) !== "");
    expect(await bodyFrom(client, vips.first)).toBe("");
    expect((await node.reload(fileWith(lb1, "192.0.2.21"))).exitCode).toBe(0);
    await waitFor("lb1 lets the address go", async () => !(await lb1.holds("192.0.2.102")));
    await waitFor("the old port answers", async () => (await bodyFrom(client, vips.first)) !== "");
    expect(await lb1.holds(vips.first)).toBe(true);
    await probe.stop();
  });

  test("refuses a wrong file with every error at its place and leaves the old one in force", async () => {
    await using pair = await createPair();
    const { lb1, client } = pair;
    await startWebServers(pair);
    const node = await startEdgeHa(lb1, { config: fileWith(lb1, "192.0.2.21"), node: "lb1" });
    await waitFor("web1 answers", async () => (await bodyFrom(client, vips.first)).startsWith("web1"));
    const movements = lb1.spawn(["ip", "monitor", "address"]);
    const before = await node.status();
    const wrong = fileWith(lb1, "192.0.2.22").replace("vrid = 52", "vrid = 51").replace("hosts =", "hostz =");
    const { exitCode, stderr } = await node.reload(wrong);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/edge-ha\.toml:\d+:\d+ .*vrid/);
    expect(stderr).toMatch(/edge-ha\.toml:\d+:\d+ .*hostz/);
    const { config, processes } = await node.status();
    expect(config.lastErrors.join("\n")).toContain("hostz");
    expect(config.loadedAt).toBe(before.config.loadedAt);
    expect(processes.map(({ pid }) => pid)).toEqual(before.processes.map(({ pid }) => pid));
    expect(await bodyFrom(client, vips.first)).toStartWith("web1");
    expect(movements.output()).not.toContain("Deleted");
    expect((await node.reload(fileWith(lb1, "192.0.2.22"))).exitCode).toBe(0);
    expect((await node.status()).config.lastErrors).toEqual([]);
  });

  test("happens on SIGHUP too, for a good file and for a wrong one", async () => {
    await using pair = await createPair();
    const { lb1, client } = pair;
    await startWebServers(pair);
    const node = await startEdgeHa(lb1, { config: fileWith(lb1, "192.0.2.21"), node: "lb1" });
    await waitFor("web1 answers", async () => (await bodyFrom(client, vips.first)).startsWith("web1"));
    await Bun.write(node.configPath, "nonsense = 1\n");
    node.kill("SIGHUP");
    await waitFor(
      "the refusal is in the status",
      async () => (await node.status()).config.lastErrors.length > 0,
    );
    expect(await bodyFrom(client, vips.first)).toStartWith("web1");
    await Bun.write(node.configPath, fileWith(lb1, "192.0.2.22"));
    node.kill("SIGHUP");
    await waitFor("web2 answers", async () => (await bodyFrom(client, vips.first)).startsWith("web2"));
    // The proxies have the new file before the elections do.
    await waitFor(
      "the refusal is in the status no more",
      async () => (await node.status()).config.lastErrors.length === 0,
    );
    const log = join(lb1.directory, "access.log");
    renameSync(log, `${log}.1`);
    node.kill("SIGUSR1");
    await waitFor("SIGUSR1 makes a new access log", () => existsSync(log));
    await bodyFrom(client, vips.first);
    await waitFor("which is written to", () => readFileSync(log, "latin1").includes("GET / HTTP/1.1"));
  });

  test("leaves a WebSocket of a real client open, whether listening ports change or not", async () => {
    await using pair = await createPair();
    const { lb1, web1, client } = pair;
    const echo = web1.spawn(["node", program("websocket-echo.mjs")]);
    await waitFor("the echo server listens", () => echo.output().includes("ready"));
    const config = fileWith(lb1, "192.0.2.21");
    const node = await startEdgeHa(lb1, { config, node: "lb1" });
    await waitFor("lb1 holds its address", () => lb1.holds(vips.first));
    const socket = client.spawn(["node", program("websocket-client.mjs"), `ws://${vips.first}/`]);
    const echoes = (): number => socket.output().split("echo\n").length - 1;
    await waitFor("echoes come back", () => echoes() > 2);
    expect((await node.reload(`${config}${otherSite}`)).exitCode).toBe(0);
    const afterFirst = echoes();
    await waitFor("echoes come back after a reload in place", () => echoes() > afterFirst + 5);
    const more = `${config}\n[[listener]]\nname = "second"\naddress = ":8080"\n${otherSite}`;
    expect((await node.reload(more)).exitCode).toBe(0);
    const afterSecond = echoes();
    await waitFor("echoes come back after new processes took over", () => echoes() > afterSecond + 5);
    expect(socket.output()).not.toContain("closed");
    const late = client.spawn(["node", program("websocket-client.mjs"), `ws://${vips.first}/`]);
    await waitFor("echoes come back", () => late.output().includes("echo\n"));
    expect((await node.reload(`${config}[proxy]\ndrain = "200ms"\n`)).exitCode).toBe(0);
    await waitFor("what was replaced last is cut at its deadline", () => late.output().includes("closed"));
    const atLast = echoes();
    await waitFor("and what was replaced first is not", () => echoes() > atLast + 2);
    expect(socket.output()).not.toContain("closed");
  });

  test("loses nothing of what is in flight when processes are replaced", async () => {
    await using pair = await createPair();
    const { lb1, client } = pair;
    await startWebServers(pair);
    const config = fileWith(lb1, "192.0.2.21");
    const node = await startEdgeHa(lb1, { config, node: "lb1" });
    await waitFor("web1 answers", async () => (await bodyFrom(client, vips.first)).startsWith("web1"));
    const probe = await startHttpProbe(client, { address: vips.first, timeoutMs: 5_000 });
    const more = `${config}\n[[listener]]\nname = "second"\naddress = ":8080"\n${otherSite}`;
    expect((await node.reload(more)).exitCode).toBe(0);
    expect((await node.reload(config)).exitCode).toBe(0);
    await Bun.sleep(300);
    const report = await probe.stop();
    expect(report.failures).toEqual({});
    expect(failureCount(report)).toBe(0);
  });
});

describe("a wrong configuration", () => {
  const wrong = `${pairFile().replace("vrid = 52", "vrid = 51")}\nnonsense = 1\n`;

  test("is refused by check with every error at its place and exit status 2", async () => {
    await using pair = await createPair();
    const path = join(pair.lb1.directory, "wrong.toml");
    await Bun.write(path, wrong);
    const { exitCode, stdout, stderr } = await pair.lb1.run([
      executable,
      "check",
      "--config",
      path,
      "--node",
      "lb1",
    ]);
    expect(exitCode).toBe(2);
    expect(`${stdout}${stderr}`).toMatch(/wrong\.toml:\d+:\d+ .*vrid/);
    expect(`${stdout}${stderr}`).toMatch(/wrong\.toml:\d+:\d+ .*nonsense/);
  });

  test("stops the start with exit status 2 and touches nothing", async () => {
    await using pair = await createPair();
    const before = await pair.lb1.addresses();
    const node = await spawnEdgeHa(pair.lb1, { config: wrong, node: "lb1" });
    expect(await node.exited).toBe(2);
    expect(node.log()).toMatch(/:\d+:\d+ .*vrid/);
    expect(await pair.lb1.addresses()).toEqual(before);
  });

  test("stops the start when the node is not in the file", async () => {
    await using pair = await createPair();
    const node = await spawnEdgeHa(pair.lb1, { config: pairFile(), node: "lb9" });
    expect(await node.exited).toBe(2);
    expect(node.log()).toContain("lb9");
  });

  test("is not what a good file is: check accepts that with exit status 0", async () => {
    await using pair = await createPair();
    const path = join(pair.lb1.directory, "good.toml");
    await Bun.write(path, pairFile());
    const { exitCode, stderr } = await pair.lb1.run([executable, "check", "--config", path, "--node", "lb1"]);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });
});

test("a name service that takes its time moves no address, neither at a reload nor when the elections die", async () => {
  await using pair = await createPair();
  const { lb1, lb2 } = pair;
  const tools = join(lb1.directory, "tools");
  const slow = join(lb1.directory, "slow");
  mkdirSync(tools);
  writeFileSync(join(tools, "id"), `#!/bin/sh\n[ ! -e '${slow}' ] || sleep 1\nexec /usr/bin/id "$@"\n`);
  chmodSync(join(tools, "id"), 0o755);
  const env = { PATH: `${tools}:/usr/sbin:/usr/bin:/sbin:/bin` };
  const plain = { advertInterval: "300ms" };
  const first = await startEdgeHa(lb1, { config: pairFile(plain), node: "lb1", env });
  const second = await startEdgeHa(lb2, { config: pairFile(plain), node: "lb2" });
  const state = async (): Promise<string> => (await instanceOf(first, "first")).state;
  const takeovers = async (): Promise<number> =>
    (await instanceOf(second, "first")).counters["becameActive"] ?? 0;
  await waitFor("lb1 holds its address", async () => (await state()) === "active");
  await waitFor("lb2 follows", async () => (await instanceOf(second, "first")).state === "backup");
  const before = await takeovers();
  writeFileSync(slow, "");
  const tables = '[notify]\nscript = ["/bin/true"]\nuser = "nobody"\n';
  expect((await first.reload(pairFile({ ...plain, tables }))).exitCode).toBe(0);
  const [old = 0] = await rolePids(lb1, "vrrp");
  signalQuietly(old, "SIGKILL");
  await waitFor("the next process goes on with it", async () => {
    const { processes } = await first.status();
    const vrrp = processes.find(({ role }) => role === "vrrp");
    return vrrp?.restarts === 1 && vrrp.pid !== old && (await state()) === "active";
  });
  expect((await instanceOf(first, "first")).reason).toContain("taken over from an earlier process");
  expect(await takeovers()).toBe(before);
});
