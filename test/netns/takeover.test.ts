import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, copyFile, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { askAdmin } from "../../src/admin/client.ts";
import { nodesFile, pairFile, siteTables, vips } from "../support/cluster-file.ts";
import { executable, instanceOf, rolePids, startEdgeHa } from "../support/edge-ha.ts";
import type { Child } from "../support/lab-command.ts";
import { Lab, waitFor, type Host } from "../support/lab.ts";
import { createPair } from "../support/pair.ts";
import { startHttpProbe } from "../support/probe.ts";
import { startManaged, type ManagedNode } from "../support/service-manager.ts";

/** A node that is started again, or crashes, while clients come: its listening sockets are kept for it meanwhile. */

setDefaultTimeout(60_000);

const listeners = (ports: readonly number[], workers: number): string => `${nodesFile()}
[proxy]
workers = ${workers}
${ports.map((port) => `[[listener]]\nname = "l${port}"\naddress = "127.0.0.1:${port}"`).join("\n")}
[[upstream]]
name = "slow"
servers = [{ address = "127.0.0.1:8081" }]
[[site]]
hosts = ["*"]
listeners = [${ports.map((port) => `"l${port}"`).join(", ")}]
[[site.route]]
path = "/slow/"
upstream = "slow"
[[site.route]]
path = "/"
respond = { status = 200, body = "here" }
[[service]]
name = "echo"
addresses = ["127.0.0.1"]
port = 7070
protocol = "udp"
forward = "proxy"
servers = [{ address = "127.0.0.1", port = 7071 }]
`;

async function startHost(lab: Lab): Promise<Host> {
  await lab.bridge("lan");
  const host = await lab.host("lb1", { eth0: { bridge: "lan", address: "192.0.2.11/24" } });
  await host.ip(["link", "set", "lo", "up"]);
  const server = host.spawn(["node", join(import.meta.dir, "../support/slow-page.mjs"), "8081"]);
  await waitFor("the slow server listens", () => server.output().includes("listening"));
  return host;
}

const readies = (node: ManagedNode): number => node.output().split("\nREADY=1\n").length - 1;

/** Has the service stopped or killed and started again, and waits until it is up. */
async function startAgain(node: ManagedNode, word: "restart" | "crash"): Promise<void> {
  const before = readies(node);
  await node.order(word);
  await waitFor("the service is up again", () => readies(node) > before);
}

/** Gives the children of a process that have ended and that nobody has cleared away. */
async function zombies(host: Host, parent: number): Promise<string> {
  return (await host.run(["ps", "--ppid", String(parent), "-o", "stat=,pid=,args="])).stdout
    .split("\n")
    .filter((line) => line.startsWith("Z"))
    .join("\n");
}

describe("an executable that is replaced", () => {
  test("neither moves an address nor refuses or cuts anything, and finishes what it has begun", async () => {
    await using pair = await createPair();
    const { lb1, lb2, client, web1 } = pair;
    const slow = web1.spawn(["node", join(import.meta.dir, "../support/slow-page.mjs"), "80"]);
    await waitFor("the web server listens", () => slow.output().includes("listening"));
    // Patient: a busy machine is none of what is tested.
    const tables = siteTables(join(lb1.directory, "access.log"))
      .replace(', { address = "192.0.2.22:80" }', "")
      .replace('timeout = "300ms"', 'timeout = "20s"')
      .replace('{ connect = "500ms", read = "1s" }', '{ connect = "20s", read = "20s" }');
    const config = pairFile({ tables: `${tables}\n[proxy]\nworkers = 2\n` });
    const node = await startEdgeHa(lb1, { config, node: "lb1" });
    await startEdgeHa(lb2, { config, node: "lb2" });
    await waitFor("lb1 holds its address", () => lb1.holds(vips.first));
    await waitFor(
      "lb2 holds its own",
      async () => (await lb2.holds(vips.second)) && !(await lb1.holds(vips.second)),
    );
    const movements = [lb1, lb2].map((host) => host.spawn(["ip", "monitor", "address"]));
    const before = await node.status();
    const old = await rolePids(lb1, "proxy");
    const probe = await startHttpProbe(client, { address: vips.first, intervalMs: 20, timeoutMs: 20_000 });
    const open = client.run([
      "curl",
      "-s",
      "-m",
      "30",
      "-o",
      "/dev/null",
      "-w",
      "%{http_code} %{size_download}",
      `http://${vips.first}/slow/6000`,
    ]);
    await Bun.sleep(300);
    for (const turn of [1, 2]) {
      const { stdout, stderr, exitCode } = await node.command("reload", "--binary");
      expect({ turn, stderr, exitCode }).toEqual({ turn, stderr: "", exitCode: 0 });
      expect(stdout).toContain("has taken over from");
    }
    const after = await node.status();
    expect(after.pid).toBe(before.pid);
    expect(after.startedAt).not.toBe(before.startedAt);
    const fresh = after.processes.filter(({ role }) => role.startsWith("proxy")).map(({ pid }) => pid);
    expect(fresh.filter((pid) => old.includes(pid))).toEqual([]);
    expect(await open, node.log()).toMatchObject({ stdout: "200 20000" });
    const report = await probe.stop();
    expect(report.failures, node.log()).toEqual({});
    expect(report.requests).toBeGreaterThan(100);
    expect(movements.map((one) => one.output()).join()).not.toContain("Deleted");
    expect((await instanceOf(node, "first")).state).toBe("active");
    await waitFor("the old processes are gone", async () => {
      const pids = await rolePids(lb1, "proxy");
      return pids.length === fresh.length && (await zombies(lb1, before.pid)) === "";
    });
    expect(await node.stop()).toBe(0);
    expect(await lb1.pids()).not.toContain(before.pid);
  });

  test("counts what the processes before have open until they are gone", async () => {
    await using lab = await Lab.create();
    const host = await startHost(lab);
    const limited = listeners([80, 81], 2)
      .replace('127.0.0.1:80"', '127.0.0.1:80"\nmax_connections = 2')
      .replace(':8081" }]', ':8081" }]\nmax_connections = 2');
    const node = await startEdgeHa(host, { config: limited, node: "lb1" });
    const slow = ["curl", "-sN", "-m", "30", "http://127.0.0.1/slow/25000"];
    const begun = async (): Promise<Child> => {
      for (;;) {
        const one = host.spawn(slow);
        let isRefused = false;
        void one.exited.then(() => (isRefused = true));
        await waitFor("it has begun, or is refused", () => isRefused || one.output() !== "");
        if (!isRefused) return one;
      }
    };
    const open = [await begun(), await begun()];
    const page = async (): Promise<string> =>
      (await host.run(["curl", "-s", "-m", "2", "http://127.0.0.1/"])).stdout;
    // By a listener without a limit, to a server that has as many requests as it may have.
    const served = async (): Promise<string> =>
      (await host.run(["curl", "-s", "-m", "5", "-w", "%{http_code}", "http://127.0.0.1:81/slow/1"])).stdout;
    expect([await page(), (await served()).slice(-3)]).toEqual(["", "503"]);
    const before = await rolePids(host, "proxy");
    expect((await node.command("reload", "--binary")).exitCode).toBe(0);
    // A connection may still wait in a socket of the processes before.
    for (let turn = 0; turn < 5; turn++) expect(await page()).toBe("");
    for (let turn = 0; turn < 3; turn++) expect((await served()).slice(-3)).toBe("503");
    const after = await rolePids(host, "proxy");
    expect(after.filter((pid) => before.includes(pid)).length).toBeGreaterThan(0);
    open[0]?.kill("SIGKILL");
    await waitFor("another is let in", async () => (await page()) === "here");
    await waitFor("the server has another", async () => (await served()).endsWith("200"));
    // Other processes of the same program, which count those before them as well.
    await Bun.write(node.configPath, limited.replace("workers = 2", "workers = 3"));
    expect((await node.command("reload")).exitCode).toBe(0);
    await waitFor("another is let in again", async () => (await page()) === "here");
    await begun();
    for (let turn = 0; turn < 5; turn++) expect(await page()).toBe("");
    // Those that are gone count no more, whatever they had open.
    for (const pid of await rolePids(host, "proxy")) if (before.includes(pid)) process.kill(pid, "SIGKILL");
    await waitFor("there is room for another", async () => (await page()) === "here");
    expect(await node.stop()).toBe(0);
  });

  for (const { most, queue } of [
    // Fewer than processes: there is always one of them that has none.
    { most: 2, queue: 'queue = { length = 1000, timeout = "4s" }' },
    // More than clients: wherever a slot is, it is for whoever comes.
    { most: 44, queue: "" },
  ])
    test(`loses no request to a server that takes ${most} at a time, ${queue === "" ? "and nobody may wait" : "and is full all the time"}`, async () => {
      await using lab = await Lab.create();
      const host = await startHost(lab);
      const limited = listeners([80], 3).replace(
        ':8081" }]',
        `:8081", max_connections = ${most} }]\n${queue}\nkeepalive = { connections = 2 }`,
      );
      const node = await startEdgeHa(host, { config: limited, node: "lb1" });
      const url = "http://127.0.0.1/slow/20";
      const load = host.spawn(["wrk", "-t1", "-c40", "-d15s", "--timeout", "15s", url]);
      await Bun.sleep(1_000); // all of them have begun
      const replaced = async (workers: number, words: readonly string[]): Promise<void> => {
        const before = await rolePids(host, "proxy");
        await Bun.write(node.configPath, limited.replace("workers = 3", `workers = ${workers}`));
        expect((await node.command("reload", ...words)).exitCode).toBe(0);
        await waitFor("others are in their place", async () => {
          const pids = await rolePids(host, "proxy");
          return pids.length === workers && !pids.some((pid) => before.includes(pid));
        });
      };
      for (let turn = 0; turn < 3; turn++) await replaced(3, ["--binary"]);
      for (const workers of [1, 4, 2]) await replaced(workers, []);
      const seen = (await host.run(["curl", "-s", "http://127.0.0.1:8081/most"])).stdout;
      expect(Number(seen)).toBeLessThanOrEqual(most);
      expect(await load.exited).toBe(0);
      expect(load.output()).toMatch(/\d{3,} requests in/);
      expect(load.output()).not.toMatch(/Non-2xx|Socket errors/);
      expect(await node.stop()).toBe(0);
    });

  test("has a process finish what it has begun that could not be heard of in time", async () => {
    await using lab = await Lab.create();
    const host = await startHost(lab);
    const node = await startEdgeHa(host, { config: listeners([80], 1), node: "lb1" });
    const open = host.spawn(["curl", "-sN", "-m", "30", "http://127.0.0.1/slow/4000"]);
    await waitFor("it has begun", () => open.output() !== "");
    const [held] = await rolePids(host, "proxy");
    if (held === undefined) throw new Error("there is no proxy");
    process.kill(held, "SIGSTOP");
    expect((await node.command("reload", "--binary")).exitCode).toBe(0);
    expect(await rolePids(host, "proxy")).toContain(held);
    process.kill(held, "SIGCONT");
    expect(await open.exited).toBe(0);
    expect(open.output()).toHaveLength(20_000);
    await waitFor("it is gone", async () => !(await rolePids(host, "proxy")).includes(held));
    expect(await node.stop()).toBe(0);
  });

  test("stays where the new one finds something wrong with the configuration", async () => {
    await using lab = await Lab.create();
    const host = await startHost(lab);
    const node = await startEdgeHa(host, { config: listeners([80], 1), node: "lb1" });
    await Bun.write(node.configPath, "nonsense = 1\n");
    const { stderr, exitCode } = await node.command("reload", "--binary");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("nonsense");
    expect(stderr).toContain("not replaced: the old program goes on");
    expect((await node.status()).pid).toBe(node.pid);
  });

  test("stays where what is installed does not run, and its processes are its own", async () => {
    await using lab = await Lab.create();
    const host = await startHost(lab);
    const program = join(host.directory, "edge-ha");
    await copyFile(executable, program);
    const node = await startEdgeHa(host, { config: listeners([80], 1), node: "lb1", program });
    await Bun.write(`${program}.new`, "#!/bin/sh\necho it is broken >&2\nexit 127\n");
    await chmod(`${program}.new`, 0o755);
    await rename(`${program}.new`, program);
    const { stderr, exitCode } = await node.command("reload", "--binary");
    expect({ stderr, exitCode }).toEqual({
      stderr: "it is broken\nnot replaced: the old program goes on\n",
      exitCode: 2,
    });
    expect(node.log()).toContain(`${program} does not take this program's place: it goes on`);
    for (const role of ["vrrp", "director", "proxy"] as const) {
      const [old] = await rolePids(host, role);
      if (old === undefined) throw new Error(`no ${role} runs`);
      process.kill(old, "SIGKILL");
      await waitFor(`${role} is there again`, async () => {
        const { processes } = await node.status();
        const found = processes.find((one) => one.role.startsWith(role));
        return found !== undefined && found.pid !== old && found.pid > 0 && found.restarts === 1;
      });
      expect(await rolePids(host, role)).toHaveLength(1);
    }
    const { stdout } = await host.run(["ps", "--ppid", String(node.pid), "-o", "comm="]);
    expect(new Set(stdout.trim().split("\n"))).toEqual(new Set(["edge-ha"]));
    await waitFor("clients are answered", async () => {
      return (await host.run(["curl", "-s", "-m", "2", "http://127.0.0.1/"])).stdout === "here";
    });
    expect(await node.stop()).toBe(0);
  });

  test("that cannot be run in the end leaves elections behind that end with the old program", async () => {
    await using pair = await createPair();
    const { lb1 } = pair;
    const TMPDIR = join(lb1.directory, "tmp");
    await mkdir(TMPDIR);
    const node = await startEdgeHa(lb1, { config: pairFile(), node: "lb1", env: { TMPDIR } });
    await waitFor("lb1 holds its address", () => lb1.holds(vips.first));
    // What is passed on is written there.
    await rm(TMPDIR, { recursive: true });
    expect(await askAdmin(node.socket, "POST", "/reload/binary")).toMatchObject({ isAccepted: true });
    await waitFor("it goes on", () => node.log().includes("the program could not be replaced"));
    expect(await lb1.holds(vips.first)).toBe(true);
    node.kill("SIGKILL");
    await waitFor("nothing is left", async () => (await rolePids(lb1, "vrrp")).length === 0);
    expect([await lb1.holds(vips.first), await lb1.holds(vips.second)]).toEqual([false, false]);
  });

  test("stays away where the service is stopped meanwhile", async () => {
    await using lab = await Lab.create();
    const host = await startHost(lab);
    const node = await startEdgeHa(host, { config: listeners([80], 1), node: "lb1" });
    // Something that is open makes the end take longer than the way to the new program.
    const open = host.spawn(["curl", "-sN", "-m", "20", "http://127.0.0.1/slow/20000"]);
    await waitFor("the answer has begun", () => open.output() !== "");
    expect(await askAdmin(node.socket, "POST", "/reload/binary")).toMatchObject({ isAccepted: true });
    expect(await node.stop()).toBe(0);
    expect(node.log()).not.toContain("takes this program's place");
    expect(await host.pids()).not.toContain(node.pid);
  });
});

describe("a service that is started again", () => {
  test("refuses and cuts no connection, for its manager keeps the sockets", async () => {
    await using lab = await Lab.create();
    const host = await startHost(lab);
    const node = await startManaged(host, { config: listeners([80, 81], 2), node: "lb1" });
    await waitFor("the sockets of both processes are kept", () => node.stored().length === 6);
    const probe = await startHttpProbe(host, { address: "127.0.0.1", intervalMs: 20, timeoutMs: 20_000 });
    const open = host.run(["curl", "-s", "-m", "20", "-w", "%{http_code}", "http://127.0.0.1/slow/1000"]);
    expect((await node.command("reload", "--binary")).exitCode).toBe(0);
    await waitFor("the new program has told its manager", () => readies(node) === 2);
    await startAgain(node, "restart");
    await startAgain(node, "crash");
    await Bun.sleep(300);
    const report = await probe.stop();
    expect((await open).stdout.slice(-3)).toBe("200");
    // Killed with all its might, it takes with it what it has accepted, and resets that of which it has not read the request: at a
    // request every 20 ms that is one, or a few on a busy machine.
    const {
      "closed without an answer": cut = 0,
      "ECONNRESET: connection reset by peer, read": reset = 0,
      ...others
    } = report.failures;
    expect(others).toEqual({});
    expect(cut + reset).toBeLessThan(5);
    expect(report.requests).toBeGreaterThan(50);
    const starts = node.output().match(/goes on with 6 of its predecessor's listening sockets/g);
    expect(starts, node.output()).toHaveLength(3);
    // Nothing was stored twice, and nothing was thrown away.
    expect(node.output().split("FDSTORE=1").length - 1).toBe(6);
    expect(node.output()).not.toContain("FDSTOREREMOVE");
    await node.order("stop");
  });

  test("closes what it was passed and does not listen on, and keeps what it does", async () => {
    await using lab = await Lab.create();
    const host = await startHost(lab);
    const node = await startManaged(host, { config: listeners([80, 81], 2), node: "lb1" });
    await waitFor("all is kept", () => node.stored().length === 6);
    await node.order("add");
    await waitFor("a stray is added", () => node.output().includes("added "));
    const stray = Number(/^added (\d+)$/m.exec(node.output())?.[1]);
    await Bun.write(node.configPath, listeners([80, 82], 1));
    await startAgain(node, "restart");
    await waitFor("the manager keeps what is planned", () => node.stored().length === 3);
    const ports = node.stored().map((name) => name.split(".")[0]);
    expect(ports).toEqual(["tcp80", "tcp82", "udp7070"]);
    expect(node.output()).toContain(
      "closes 3 sockets that were passed on and are not in the configuration: tcp81.1, tcp81.4, stray",
    );
    const refused = async (port: number): Promise<boolean> =>
      (await host.run(["curl", "-s", "-m", "2", `http://127.0.0.1:${port}/`])).exitCode === 7;
    expect([await refused(80), await refused(81), await refused(82)]).toEqual([false, true, false]);
    expect(await refused(stray)).toBe(true);
    // A reload says so, too.
    await Bun.write(node.configPath, listeners([82], 1));
    expect((await node.command("reload")).exitCode).toBe(0);
    await waitFor("the manager has thrown one away", () => node.stored().length === 2);
    await node.order("stop");
  });
});
