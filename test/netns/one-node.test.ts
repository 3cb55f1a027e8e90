import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { pairFile, vips } from "../support/cluster-file.ts";
import { executable, spawnEdgeHa, startEdgeHa } from "../support/edge-ha.ts";
import { Lab, waitFor, type Host } from "../support/lab.ts";
import { writeJournal } from "../support/written-journal.ts";

setDefaultTimeout(60_000);

async function singleHost(lab: Lab): Promise<Host> {
  await lab.bridge("lan");
  return lab.host("lb1", { eth0: { bridge: "lan", address: "192.0.2.11/24" } });
}

test("a second node in a network namespace is refused, whatever its socket, and the first goes on", async () => {
  await using lab = await Lab.create();
  const host = await singleHost(lab);
  const first = await startEdgeHa(host, { config: pairFile(), node: "lb1" });
  await waitFor("the first holds the address", () => host.holds(vips.first));
  const second = await spawnEdgeHa(host, { config: pairFile(), node: "lb1" });
  expect(await second.exited).toBe(1);
  expect(second.log()).toContain(`another edge-ha serve (pid ${first.pid}) runs in this network namespace`);
  expect(await host.holds(vips.first)).toBe(true);
  first.kill("SIGKILL");
  await first.exited;
  const third = await startEdgeHa(host, { config: pairFile(), node: "lb1" });
  expect(await third.stop()).toBe(0);
});

test("a stranger who holds the lock stops nobody", async () => {
  await using lab = await Lab.create();
  const host = await singleHost(lab);
  const squat =
    "import socket,time\ns=socket.socket(socket.AF_UNIX)\ns.bind(b'\\0edge-ha.serve')\ns.listen()\nprint('held',flush=True)\ntime.sleep(60)";
  const stranger = host.spawn([
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "/usr/bin/python3",
    "-c",
    squat,
  ]);
  await waitFor("the lock is held", () => stranger.output().includes("held"));
  const node = await startEdgeHa(host, { config: pairFile(), node: "lb1" });
  expect(node.log()).toContain(`process ${stranger.pid} of user 65534 holds the lock of edge-ha`);
  expect(await node.stop()).toBe(0);
});

test("a node without the right to real time and locked memory says so once and serves", async () => {
  await using lab = await Lab.create();
  const host = await singleHost(lab);
  const config = `${host.directory}/weak.toml`;
  await Bun.write(config, pairFile());
  const socket = `${host.directory}/weak.sock`;
  const node = host.spawn([
    "setpriv",
    "--bounding-set=-sys_nice,-ipc_lock",
    executable,
    "--socket",
    socket,
    "serve",
    "--config",
    config,
    "--node",
    "lb1",
  ]);
  await waitFor("the node holds the address", () => host.holds(vips.first));
  const lines = node.output().split("\n");
  expect(lines.filter((line) => line.includes("no realtime scheduling")).length).toBe(1);
  expect(lines.filter((line) => line.includes("memory is not locked")).length).toBe(1);
  node.kill("SIGTERM");
  expect(await node.exited).toBe(0);
});

test("a wrong command line is refused with status 2 and a word on what is meant", async () => {
  await using lab = await Lab.create();
  const host = await singleHost(lab);
  const wrong: readonly (readonly [readonly string[], string])[] = [
    [["stat"], "status"],
    [["serve", "--confg", "x"], "--config"],
    [["rs"], "Usage: edge-ha rs"],
    [[], "Usage: edge-ha"],
    [["rs", "start", "--vip", "192.0.2"], "192.0.2"],
  ];
  for (const [words, hint] of wrong) {
    const { exitCode, stderr, stdout } = await host.run([executable, ...words]);
    expect([words, exitCode]).toEqual([words, 2]);
    expect(stdout + stderr).toContain(hint);
  }
  const state = join(host.directory, "state");
  await writeJournal(host, state, ["tcp 192.0.2.11:80"], "director");
  const asked = [executable, "--socket", `${host.directory}/none`, "status"];
  const nobodyThere = await host.run(asked, { env: { EDGE_HA_STATE_DIRECTORY: state } });
  expect(nobodyThere.exitCode).toBe(1);
  expect(nobodyThere.stderr).toContain("is the service running");
  expect(nobodyThere.stderr).toContain("1 service of an earlier run may still be in the kernel's table");
  expect(nobodyThere.stderr).toContain("nobody checks their servers meanwhile (tcp 192.0.2.11:80)\n");
});
