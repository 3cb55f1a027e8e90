import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, type Host, Lab, waitFor } from "../../support/lab.ts";
import { executable } from "../../support/edge-ha.ts";
import { clusterFile, RealServer } from "./rs.ts";

const vip = "192.0.2.100";
const vip6 = "2001:db8::100";
const ignoreAll = "net.ipv4.conf.all.arp_ignore";

/** Starts `rs serve` with these words, and waits until it serves. */
async function serve(server: RealServer, ...words: readonly string[]): Promise<Child> {
  const child = server.host.spawn(server.command("serve", ...words));
  await waitFor("rs serve serves", () => child.output().includes("rs: serving "));
  return child;
}

async function ends(child: Child, status = 0): Promise<void> {
  child.kill("SIGTERM");
  expect(await child.exited).toBe(status);
}

/** A web server and two directors on one network. */
async function site(lab: Lab): Promise<{ server: RealServer; director: Host; other: Host }> {
  const server = await RealServer.plug(lab);
  const director = await lab.host("lb1", { eth0: { bridge: "lan", address: "192.0.2.10/24" } });
  const other = await lab.host("lb2", { eth0: { bridge: "lan", address: "192.0.2.11/24" } });
  return { server, director, other };
}

/** Asks the agent as a director does: says nothing, reads to the end. `sends` is for one that says something first. */
async function ask(host: Host, sends = ""): Promise<string> {
  const script = `import socket, sys
try:
    with socket.create_connection(("192.0.2.8", 8081), 3) as s:
        s.sendall(sys.argv[1].encode())
        print(b"".join(iter(lambda: s.recv(100), b"")).decode(), end="")
except OSError as e:
    print(type(e).__name__)`;
  return (await host.run(["python3", "-c", script, sends])).stdout;
}

describe("edge-ha rs serve", () => {
  test("puts back what somebody removes or changes, and takes everything back when it is told to stop", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const before = await server.snapshot();
    const child = await serve(server, "--vip", vip, vip6);
    const served = await server.snapshot();
    const show6 = (): Promise<string> => server.host.ip(["-6", "-oneline", "address", "show", "dev", "lo"]);
    const spoils: readonly (() => Promise<unknown>)[] = [
      () => server.host.ip(["address", "del", `${vip}/32`, "dev", "lo"]),
      () => server.host.ip(["route", "del", vip, "dev", "lo", "proto", "70"]),
      () => server.host.ip(["address", "del", `${vip6}/128`, "dev", "lo"]),
      // The kernel tells nobody of this one.
      () => server.setSysctl(ignoreAll, "0"),
    ];
    for (const spoil of spoils) {
      const told = child.output().split("put back:").length;
      await spoil();
      await waitFor("it was put back", () => child.output().split("put back:").length > told);
      expect(await server.snapshot()).toEqual(served);
      expect(await show6()).toContain(` ${vip6}/128 `);
    }
    expect(child.output()).toContain(`put back: set ${ignoreAll} from 0 to 1`);
    // What cannot be had of one VIP is no reason to leave the other one dark.
    await server.setSysctl("net.ipv6.conf.lo.disable_ipv6", "1");
    await waitFor("that IPv6 is off is told", () => child.output().includes("IPv6 is switched off on lo"));
    await server.setSysctl(ignoreAll, "0");
    await server.host.ip(["address", "del", `${vip}/32`, "dev", "lo"]);
    await waitFor("the IPv4 VIP is back", async () => Bun.deepEquals(await server.snapshot(), served));
    await server.setSysctl("net.ipv6.conf.lo.disable_ipv6", "0");
    await waitFor("the IPv6 VIP is back", async () => (await show6()).includes(` ${vip6}/128 `));
    expect(child.output().split("IPv6 is switched off on lo")).toHaveLength(2);
    await ends(child);
    expect(await server.snapshot()).toEqual(before);
    expect(await show6()).not.toContain(vip6);
    expect(existsSync(server.statePath)).toBe(false);
  }, 60_000);

  test("killed, it leaves the VIP; started again, it adopts what is there, and remembers what was there first", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    await server.setSysctl(ignoreAll, "2");
    const before = await server.snapshot();
    const child = await serve(server, "--vip", vip);
    child.kill("SIGKILL");
    await child.exited;
    const left = await server.snapshot();
    expect(await server.loopback()).toContain(`${vip}/32 lo:0`);
    const next = await serve(server, "--vip", vip);
    expect(await server.snapshot()).toEqual(left);
    expect(next.output()).not.toContain("add ");
    await ends(next);
    expect(await server.snapshot()).toEqual(before);
  });

  test("forgets what an attempt before has left in its state file, so that it does not come back", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const child = await serve(server, "--vip", vip);
    const kept = readFileSync(server.statePath, "utf8");
    const state = JSON.parse(kept) as { readonly vips: readonly { readonly address: string }[] };
    const vips = [...state.vips, { ...state.vips[0], address: "192.0.2.101", label: "lo:1" }];
    writeFileSync(server.statePath, JSON.stringify({ ...state, vips }));
    await waitFor("the state file is as it was", () => readFileSync(server.statePath, "utf8") === kept);
    child.kill("SIGKILL");
    await child.exited;
    await server.expect("stop", [vip]);
    expect((await server.loopback()).join()).not.toContain("192.0.2.101");
    expect(existsSync(server.statePath)).toBe(false);
  });

  test("no start and no stop comes between, and a second one does not begin", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const child = await serve(server, "--vip", vip);
    const served = await server.snapshot();
    for (const action of ["start", "stop"] as const) {
      const { exitCode, stderr } = await server.run(action, [vip]);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`\`edge-ha rs serve\` (process ${child.pid}) keeps this machine as it is`);
    }
    const second = await server.host.run(server.command("serve", "--vip", vip));
    expect(second.exitCode).toBe(1);
    expect((await server.run("status", [vip])).stdout).toContain(`started: ${vip}`);
    expect(await server.snapshot()).toEqual(served);
    await ends(child);
  });

  test("reads its configuration again on SIGHUP, and keeps the old wish when it is wrong", async () => {
    await using lab = await Lab.create();
    const { server, director } = await site(lab);
    const config = join(server.host.directory, "edge-ha.toml");
    const withTable = (table: string): void => writeFileSync(config, `${clusterFile}[real_server]\n${table}`);
    withTable(`addresses = ["${vip}"]\nagent = { address = ":8081" }\n`);
    const child = await serve(server, "--config", config);
    expect(await ask(director)).toBe("up ready 100%\n");
    const reload = async (): Promise<void> => {
      const told = child.output().split("serving ").length;
      child.kill("SIGHUP");
      await waitFor("the reload is over", () => child.output().split("serving ").length > told);
    };
    withTable(`addresses = ["192.0.2.101"]\nagent = { address = ":8081", allow = ["192.0.2.11"] }\n`);
    await reload();
    expect(await server.loopback()).toEqual(["127.0.0.1/8 lo", "192.0.2.101/32 lo:1"]);
    expect(await ask(director)).not.toContain("up");
    withTable(`addresses = ["192.0.2.300"]\n`);
    await reload();
    expect(child.output()).toContain("192.0.2.300");
    // A wish that cannot be brought about leaves nothing behind that is in the way of the next attempt.
    withTable(`addresses = ["192.0.2.101"]\nagent = { address = ":8082" }\n`);
    await server.host.ip(["link", "set", "lo", "down"]);
    await reload();
    expect(child.output()).toContain("lo is down");
    await server.host.ip(["link", "set", "lo", "up"]);
    await reload();
    // Of the same port, one of its addresses alone: the agent itself is in the way.
    withTable(`addresses = ["192.0.2.101"]\nagent = { address = "192.0.2.8:8082" }\n`);
    await reload();
    expect(child.output()).not.toContain("EADDRINUSE");
    const listeners = await server.host.run(["ss", "-Hltn", "sport = :8082"]);
    expect(listeners.stdout.trim().split(/\s+/)[3]).toBe("192.0.2.8:8082");
    withTable(`addresses = ["192.0.2.300"]\n`);
    await reload();
    expect(child.output()).toContain("still serving what was before");
    expect(await server.loopback()).toEqual(["127.0.0.1/8 lo", "192.0.2.101/32 lo:1"]);
    await ends(child);
  });

  test("says why a wish cannot be had although its agent cannot go back, and has the agent back when it can", async () => {
    await using lab = await Lab.create();
    const { server } = await site(lab);
    const { host } = server;
    const config = join(host.directory, "edge-ha.toml");
    const own = ["192.0.2.18/24", "dev", "eth0"];
    const withAgent = (address: string): void =>
      writeFileSync(
        config,
        `${clusterFile}[real_server]\naddresses = ["${vip}"]\nagent = { address = "${address}" }\n`,
      );
    await host.ip(["address", "add", ...own]);
    withAgent("192.0.2.18:8082");
    const child = await serve(server, "--config", config);
    const reload = async (): Promise<void> => {
      const told = child.output().split("serving ").length;
      child.kill("SIGHUP");
      await waitFor("the reload is over", () => child.output().split("serving ").length > told);
    };
    const listeners = async (): Promise<string> => (await host.run(["ss", "-Hltn", "sport = :8082"])).stdout;
    await host.ip(["address", "del", ...own]);
    await host.ip(["link", "set", "lo", "down"]);
    withAgent(":8082");
    await reload();
    expect(child.output()).toContain("lo is down: bring it up with `ip link set lo up`");
    expect(child.output()).toContain(
      "the agent answers no more until the next reload: listen 192.0.2.18:8082",
    );
    expect(await listeners()).toBe("");
    await host.ip(["link", "set", "lo", "up"]);
    await host.ip(["address", "add", ...own]);
    withAgent("192.0.2.18:8082");
    await reload();
    expect(await listeners()).toContain("192.0.2.18:8082");
    await ends(child);
  });

  test("an agent's address that is taken stops it before anything is changed", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const before = await server.snapshot();
    server.host.spawn(["python3", "-m", "http.server", "8081", "--bind", "192.0.2.8"]);
    await waitFor("the port is taken", async () => {
      return (await server.host.run(["cat", "/proc/net/tcp"])).stdout.includes(":1F91 00000000:0000 0A");
    });
    const { exitCode, stderr } = await server.host.run(
      server.command("serve", "--vip", vip, "--agent", "192.0.2.8:8081"),
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain("listen 192.0.2.8:8081 for the agent: EADDRINUSE");
    expect(await server.snapshot()).toEqual(before);
  });
});

describe("the agent", () => {
  test("tells directors of a drain and of the server's health, and nobody else", async () => {
    await using lab = await Lab.create();
    const { server, director, other } = await site(lab);
    const config = join(server.host.directory, "edge-ha.toml");
    const health = `{ type = "tcp", port = 80, interval = "100ms", retries = 0 }`;
    const agent = `{ address = "192.0.2.8:8081", allow = ["192.0.2.10"] }`;
    writeFileSync(
      config,
      `${clusterFile}[real_server]\naddresses = ["${vip}"]\nagent = ${agent}\nhealth = ${health}\n`,
    );
    const child = await serve(server, "--config", config);
    const web = (): Child => server.host.spawn(["python3", "-m", "http.server", "80", "--bind", vip]);
    await waitFor("it is down without a server", async () =>
      (await ask(director)).startsWith(`down ready # ${vip}:80: `),
    );
    const first = web();
    await waitFor("it is up with one", async () => (await ask(director)) === "up ready 100%\n");
    expect(await ask(director, "web1\n")).toBe("up ready 100%\n");
    expect(await ask(other)).not.toContain("up");

    const drain = (...words: readonly string[]) => server.host.run(server.command("drain", ...words));
    expect((await drain()).stdout).toContain("out of service (drain)");
    expect(await ask(director)).toBe("up drain\n");
    first.kill();
    await first.exited;
    await waitFor("it is down too", async () => (await ask(director)).startsWith("down drain # "));
    expect((await drain("--maint")).exitCode).toBe(0);
    expect(await ask(director)).toStartWith("down maint # ");
    web();
    expect((await drain("--undo")).stdout).toBe("in service again\n");
    await waitFor("it is in service again", async () => (await ask(director)) === "up ready 100%\n");
    await ends(child);
  }, 60_000);

  test("a drain outlives the service, and waits for open connections", async () => {
    await using lab = await Lab.create();
    const { server, director } = await site(lab);
    const words = ["--vip", vip, "--agent", ":8081", "--weight", "cpu"];
    let child = await serve(server, ...words);
    expect(await ask(director)).toMatch(/^up ready \d+%\n$/);
    server.host.spawn(["python3", "-m", "http.server", "80", "--bind", vip]);
    await waitFor("the server listens", async () => {
      return (await server.host.run(["cat", "/proc/net/tcp"])).stdout.includes(":0050 00000000:0000 0A");
    });
    // A client on the machine itself: what is counted is the server's end.
    const client = server.host.spawn([
      "python3",
      "-uc",
      `import socket, time; s = socket.create_connection(("${vip}", 80)); print("open"); time.sleep(600)`,
    ]);
    await waitFor("the connection is open", () => client.output().includes("open"));
    const late = await server.host.run(server.command("drain", "--wait", "1s"));
    expect(late.exitCode).toBe(1);
    expect(late.stderr).toContain("still open");
    await ends(child);
    child = await serve(server, ...words);
    expect(child.output()).toContain("out of service: drain");
    expect(await ask(director)).toBe("up drain\n");
    const waiting = server.host.run(server.command("drain", "--wait", "60s"));
    client.kill();
    expect((await waiting).stdout).toContain("no connection is open any more");
    await ends(child);
    const unheard = await server.host.run(server.command("drain", "--undo"));
    expect(unheard.exitCode).toBe(1);
    expect(unheard.stderr).toContain("no director hears of it");
    expect(existsSync(join(server.host.directory, "state", "rs.drain"))).toBe(false);
  }, 60_000);
});

test("what is wrong on the command line of serve and drain is said with what to write", async () => {
  await using lab = await Lab.create();
  const server = await RealServer.plug(lab);
  const run = (...words: readonly string[]) => server.host.run([executable, "rs", ...words]);
  const serve = await run("serve", "--vip", vip, "--agent", "8081", "--allow", "lb1", "--weight", "half");
  expect(serve.exitCode).toBe(2);
  expect(serve.stderr).toContain("--agent 8081 is no address with a port; write one such as :8081");
  expect(serve.stderr).toContain("--allow lb1 is no address");
  expect(serve.stderr).toContain("--weight half is neither none nor cpu");
  expect((await run("drain", "--wait", "soon")).exitCode).toBe(2);
  expect((await run("drain", "--undo", "--maint")).exitCode).toBe(2);
});
