import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import type { ProxiedServerStatus, ProxiedStatus } from "../../../src/ipc/status.ts";
import { nodesFile } from "../../support/cluster-file.ts";
import { startEdgeHa, type EdgeHa } from "../../support/edge-ha.ts";
import { type Child, type Host, Lab, waitFor } from "../../support/lab.ts";
import { loadReport } from "../../support/load.ts";
import { proxyProtocolPort, startNginx } from "../../support/nginx.ts";

/** What keeps servers behind the proxies available: drain, what becomes of open connections, quorum, who the client is. */

setDefaultTimeout(60_000);

/** Answers every line with its name, over and over; a connection to `healthPort` means that it is well. */
const namePort = 7000;
const healthPort = 7001;
/** Resets every connection that says something. */
const rudePort = 7002;
const slowPort = 7003;

const serverScript = `
import socket, struct, sys, threading
name = sys.argv[1].encode()
def serve(client):
    try:
        while client.recv(100): client.sendall(name + b'\\n')
    except OSError: pass
    client.close()
def rude(client):
    client.recv(100)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.close()
def accept(port, handle):
    listener = socket.create_server(('', port), backlog=64)
    while True: threading.Thread(target=handle, args=(listener.accept()[0],), daemon=True).start()
threading.Thread(target=accept, args=(${rudePort}, rude), daemon=True).start()
print('ready', flush=True)
accept(${namePort}, serve)
`;

/** Speaks over one connection as long as it is there, and says once who answers, and what became of it. */
const clientScript = `
import socket, time
c = socket.create_connection(('192.0.2.11', 90), 5)
seen = b''
try:
    while True:
        c.sendall(b'x\\n')
        answer = c.recv(100)
        if not answer: break
        if answer != seen: print(answer.decode().strip(), flush=True)
        seen = answer
        time.sleep(0.05)
except OSError: pass
print('lost', flush=True)
`;

function file(more: { relay?: string; upstream?: string; server?: string } = {}): string {
  const server = (number: number): string =>
    `{ address = "192.0.2.2${number}", port = ${namePort}${more.server ?? ""} }`;
  return `${nodesFile()}
[proxy]
workers = 2

[[service]]
name = "names"
addresses = ["192.0.2.11"]
port = 90
forward = "proxy"
scheduler = "lc"
check = { type = "tcp", port = ${healthPort}, interval = "100ms", timeout = "1s", retries = 0 }
${more.relay ?? ""}
servers = [${server(1)}, ${server(2)}]

[[listener]]
name = "http"
address = "192.0.2.11:80"
[[upstream]]
name = "web"
servers = [{ address = "192.0.2.21:80" }, { address = "192.0.2.22:80" }]
[[upstream]]
name = "slow"
servers = [{ address = "192.0.2.21:${slowPort}" }, { address = "192.0.2.22:${slowPort}" }]
[[site]]
hosts = ["*"]
listeners = ["http"]
[[site.route]]
path = "/"
upstream = "web"
[[site.route]]
path = "/slow"
upstream = "slow"
`;
}

let lab: Lab;
let lb1: Host;
let a: Host;
let b: Host;
let client: Host;
let node: EdgeHa;
const health = new Map<Host, Child>();

async function startHealth(host: Host): Promise<void> {
  const script = `import socket\ns=socket.create_server(('',${healthPort}))\nprint('ready',flush=True)\nwhile True: s.accept()[0].close()`;
  const child = host.spawn(["python3", "-c", script]);
  await waitFor(`${host.name} is well`, () => child.output().includes("ready"));
  health.set(host, child);
}

async function stopHealth(host: Host): Promise<void> {
  health.get(host)?.kill("SIGKILL");
  await health.get(host)?.exited;
}

beforeAll(async () => {
  lab = await Lab.create();
  await lab.bridge("lan");
  const host = (name: string, number: number): Promise<Host> =>
    lab.host(name, { eth0: { bridge: "lan", address: `192.0.2.${number}/24` } });
  lb1 = await host("lb1", 11);
  a = await host("a", 21);
  b = await host("b", 22);
  client = await host("client", 31);
  const slowPage = resolve(import.meta.dir, "../../support/slow-page.mjs");
  for (const web of [a, b]) {
    const names = web.spawn(["python3", "-c", serverScript, web.name]);
    const slow = web.spawn(["node", slowPage, String(slowPort)]);
    await startNginx(web);
    await startHealth(web);
    await waitFor(
      "its servers listen",
      () => names.output().includes("ready") && slow.output().includes("listening"),
    );
  }
  node = await start();
});
afterAll(() => lab[Symbol.asyncDispose]());

function start(): Promise<EdgeHa> {
  return startEdgeHa(lb1, { config: file(), node: "lb1", env: { EDGE_HA_STATE_DIRECTORY: lb1.directory } });
}

async function group(name: string): Promise<ProxiedStatus> {
  const found = (await node.status()).proxied.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no ${name} in the status`);
  return found;
}

async function serverOf(name: string, host: Host): Promise<ProxiedServerStatus> {
  const { servers } = await group(name);
  const found = servers.find(({ address }) => address === (host === a ? "192.0.2.21" : "192.0.2.22"));
  if (found === undefined) throw new Error(`no ${host.name} in ${name}`);
  return found;
}

/** Opens a connection to the relay and waits until somebody answers. */
async function open(): Promise<Child> {
  const child = client.spawn(["python3", "-c", clientScript]);
  await waitFor("an answer", () => child.output() !== "");
  return child;
}

/** Opens connections until each server has one. */
async function openBoth(): Promise<{ readonly toA: Child; readonly toB: Child }> {
  const opened: Child[] = [];
  const to = (name: string): Child | undefined => opened.find((one) => one.output().startsWith(`${name}\n`));
  for (let turn = 0; turn < 12; turn++) {
    opened.push(await open());
    const [toA, toB] = [to("a"), to("b")];
    if (toA === undefined || toB === undefined) continue;
    for (const other of opened) if (other !== toA && other !== toB) await close(other);
    return { toA, toB };
  }
  throw new Error("one server gets no connection");
}

async function close(child: Child): Promise<void> {
  child.kill("SIGKILL");
  await child.exited;
}

/** Gives who answers so many connections, one after another. */
async function answers(count: number): Promise<string> {
  const script = `import socket\nfor _ in range(${count}):\n c=socket.create_connection(('192.0.2.11',90),5)\n c.sendall(b'x')\n print(c.recv(9).decode().strip())\n c.close()\n`;
  const { stdout } = await client.run(["python3", "-c", script]);
  return [...new Set(stdout.trim().split("\n"))].toSorted((one, two) => one.localeCompare(two)).join("");
}

describe("a server of a relay that is drained", () => {
  test("gets nothing new, keeps what is open, over reload and restart, until it is enabled", async () => {
    const { toA, toB } = await openBoth();
    const draining = node.command("drain", "names/192.0.2.21");
    await waitFor("it is being drained", async () => (await serverOf("names", a)).drain === "draining");
    expect(await answers(8)).toBe("b");
    expect((await node.reload(`${file()}\n# the same\n`)).exitCode).toBe(0);
    expect(await answers(8)).toBe("b");
    expect(await serverOf("names", a)).toMatchObject({ isUp: true, drain: "draining", traffic: { open: 1 } });
    expect(toA.output()).toBe("a\n");

    await close(toA);
    const { exitCode, stdout } = await draining;
    expect([exitCode, stdout.trim().split("\n").at(-1)]).toEqual([0, "no connection is left"]);
    expect((await node.command("status")).stdout).toMatch(/^ +192\.0\.2\.21:7000 +0 +drained/m);

    await close(toB);
    expect(await node.stop()).toBe(0);
    node = await start();
    expect(await answers(8)).toBe("b");
    expect(await serverOf("names", a)).toMatchObject({ drain: "drained", weight: 0 });
    expect((await node.command("enable", "names/192.0.2.21")).exitCode).toBe(0);
    await waitFor("it gets connections", async () => (await answers(8)) === "ab");
  });

  test("loses what is still open at the deadline", async () => {
    const { toA, toB } = await openBoth();
    const { exitCode } = await node.command("drain", "names/192.0.2.21", "--within", "1s");
    expect(exitCode).toBe(0);
    await waitFor("its connection is cut", () => toA.output() === "a\nlost\n");
    expect(toB.output()).toBe("b\n");
    expect((await node.command("enable", "names/192.0.2.21")).exitCode).toBe(0);
    await close(toB);
  });
});

describe("a server of an upstream that is drained", () => {
  test("loses no request under load, finishes the ones it has, and keeps no idle connection", async () => {
    const load = client.spawn([
      "nice",
      "wrk",
      "-t1",
      "-c16",
      "-d6s",
      "--timeout",
      "5s",
      "http://192.0.2.11/",
    ]);
    const slow = client.spawn([
      "sh",
      "-c",
      `for n in 1 2 3 4; do curl -sN -o /dev/null -w '%{http_code} %{exitcode}\\n' http://192.0.2.11/slow/2500 & done; wait`,
    ]);
    await waitFor("both work", async () => ((await serverOf("web", a)).traffic?.total ?? 0) > 100);
    await waitFor("slow requests run", async () => ((await serverOf("slow", a)).traffic?.open ?? 0) > 0);
    expect((await node.command("drain", "web/192.0.2.21", "slow/192.0.2.21")).exitCode).toBe(0);
    const before = await serverOf("web", a);
    expect(before).toMatchObject({ drain: "drained", weight: 0, traffic: { open: 0, idle: 0 } });
    const idle = await a.run(["ss", "-Htn", "state", "established", "sport", "=", ":80"]);
    expect(idle.stdout).toBe("");
    expect((await client.run(["curl", "-s", "http://192.0.2.11/x"])).stdout).toBe("b answers /x\n");
    expect((await serverOf("web", a)).traffic?.total).toBe(before.traffic?.total ?? -1);
    expect((await node.command("enable", "web/192.0.2.21", "slow/192.0.2.21")).exitCode).toBe(0);
    await waitFor("it gets requests again", async () => {
      return ((await serverOf("web", a)).traffic?.total ?? 0) > (before.traffic?.total ?? 0) + 50;
    });
    const { errors, badStatuses, text } = await loadReport(load);
    expect([errors, badStatuses], text).toEqual([0, 0]);
    await slow.exited;
    expect(slow.output()).toBe("200 0\n".repeat(4));
  });
});

describe("a server of a relay that fails its check", () => {
  test("loses its open connections, or keeps them where it is inhibited", async () => {
    for (const [inhibit, end] of [
      ["false", "a\nlost\n"],
      ["true", "a\n"],
    ] as const) {
      expect((await node.reload(file({ relay: `inhibit = ${inhibit}` }))).exitCode).toBe(0);
      const { toA, toB } = await openBoth();
      await stopHealth(a);
      await waitFor("it is down", async () => !(await serverOf("names", a)).isUp);
      expect(await answers(6)).toBe("b");
      if (inhibit === "false") await waitFor("its connection is cut", () => toA.output() === end);
      expect([toA.output(), toB.output()]).toEqual([end, "b\n"]);
      await startHealth(a);
      await waitFor("it is up", async () => (await serverOf("names", a)).isUp);
      await close(toA);
      await close(toB);
    }
  });

  test("is checked at once when it resets what it has taken", async () => {
    const relay = file()
      .replaceAll(`port = ${namePort}`, `port = ${rudePort}`)
      .replace(', interval = "100ms"', ', interval = "60s"');
    expect((await node.reload(relay)).exitCode).toBe(0);
    await waitFor("both were checked", async () => {
      const { probes } = await node.status();
      return probes.length > 0 && probes.every(({ lastResult }) => lastResult.startsWith("connected"));
    });
    await stopHealth(a);
    await waitFor("it is down, a minute before its check is due", async () => {
      await answers(1);
      return !(await serverOf("names", a)).isUp;
    });
    expect((await serverOf("names", a)).traffic?.failed).toBeGreaterThan(0);
    await startHealth(a);
  });

  test("costs the service its quorum: a program is told, and the sorry server takes over", async () => {
    const program = `["/bin/sh", "-c", "echo $EDGE_HA_SERVICE $EDGE_HA_ADDRESS $EDGE_HA_QUORUM $EDGE_HA_WEIGHT >>${lb1.directory}/quorum"]`;
    await Bun.write(`${lb1.directory}/quorum`, "");
    await lb1.run(["chmod", "666", `${lb1.directory}/quorum`]);
    const relay = `quorum = 2\nsorry = "192.0.2.22:80"\nquorum_down = ${program}\nquorum_up = ${program}`;
    expect((await node.reload(file({ relay }))).exitCode).toBe(0);
    const told = async (): Promise<string> => Bun.file(`${lb1.directory}/quorum`).text();
    const { toA, toB } = await openBoth();
    await stopHealth(a);
    await waitFor("the quorum is lost", async () =>
      (await told()).endsWith("names tcp 192.0.2.11:90 down 1\n"),
    );
    expect(await group("names")).toMatchObject({ hasQuorum: false, usesSorry: true });
    const { stdout } = await client.run(["curl", "-s", "http://192.0.2.11:90/sorry"]);
    expect(stdout).toBe("b answers /sorry\n");
    expect(toB.output()).toBe("b\n");
    await startHealth(a);
    await waitFor("it is there again", async () => (await told()).endsWith("up 2\n"));
    await close(toA);
    await close(toB);
  });
});

describe("a server that wants the PROXY protocol", () => {
  test("is told who the client is, in text and in bytes", async () => {
    for (const version of ["v1", "v2"]) {
      const relay = file({ relay: `proxy_protocol = "${version}"` });
      const told = relay.replaceAll(`port = ${namePort}`, `port = ${proxyProtocolPort}`);
      expect((await node.reload(told)).exitCode).toBe(0);
      const { stdout } = await client.run(["curl", "-s", "http://192.0.2.11:90/"]);
      expect(stdout).toBe("192.0.2.31 192.0.2.11 90\n");
    }
  });
});
