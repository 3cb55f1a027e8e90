import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { closeListener, listenTcp } from "../../../src/kernel/listen.ts";
import { EchoServer } from "../../support/echo-tcp.ts";
import { waitFor } from "../../support/lab.ts";
import { freePort, ProxyDriver } from "../../support/proxy-driver.ts";
import { RawClient, RawServer, type Script } from "../../support/raw-tcp.ts";
import { relaying } from "../../support/relay-plan.ts";

setDefaultTimeout(30_000);

const greeting =
  (name: string): Script =>
  (connection, bytes) =>
    connection.send(`${name}:${bytes}`);

async function say(port: number, text: string): Promise<string> {
  await using client = await RawClient.connect(port);
  client.send(text);
  await waitFor("an answer", () => client.received !== "" || client.isClosed || client.hasEnded);
  return client.received;
}

describe("a relayed service", () => {
  test("spreads connections over servers that are up, and goes to the sorry server without any", async () => {
    const port = freePort();
    await using a = new RawServer(greeting("a"));
    await using b = new RawServer(greeting("b"));
    await using sorry = new RawServer(greeting("sorry"));
    const plan = relaying(port, [a.port, b.port], { sorry: { address: "127.0.0.1", port: sorry.port } });
    await using driver = await ProxyDriver.start(plan);
    const answers = [await say(port, "1"), await say(port, "2"), await say(port, "3"), await say(port, "4")];
    expect(answers).toEqual(["a:1", "b:2", "a:3", "b:4"]);
    const verdicts = [a.port, b.port].map((server) => ({ probe: `p${server}`, isUp: false, weight: null }));
    driver.sendVerdicts(verdicts.slice(0, 1));
    await driver.nextStatus();
    expect([await say(port, "5"), await say(port, "6")]).toEqual(["b:5", "b:6"]);
    driver.sendVerdicts(verdicts);
    await driver.nextStatus();
    expect(await say(port, "7")).toBe("sorry:7");
  });

  test("passes over a server that refuses, and closes when none is left", async () => {
    const port = freePort();
    await using a = new RawServer(greeting("a"));
    await using driver = await ProxyDriver.start(relaying(port, [freePort(), a.port]));
    expect([await say(port, "1"), await say(port, "2")]).toEqual(["a:1", "a:2"]);
    await driver.configure(relaying(port, [freePort()]));
    // A reset may come before the client knows that it is connected.
    expect(await say(port, "3").catch(() => "")).toBe("");
  });

  test("takes the server with the fewest connections, and none that has as many as it may have", async () => {
    const port = freePort();
    await using a = new RawServer(greeting("a"));
    await using b = new RawServer(greeting("b"));
    const plan = (upperThreshold: number): ProxyPlan => {
      const servers = [a, b].map((server) => ({
        address: "127.0.0.1",
        port: server.port,
        weight: 1,
        probe: null,
        upperThreshold: server === b ? upperThreshold : 0,
        lowerThreshold: 0,
      }));
      return relaying(port, [], { scheduler: "lc", servers });
    };
    await using driver = await ProxyDriver.start(plan(0));
    await using clients = new AsyncDisposableStack();
    const open = async (): Promise<string> => {
      const client = clients.use(await RawClient.connect(port));
      client.send("x");
      await waitFor("an answer", () => client.received !== "");
      return client.received;
    };
    const first = [await open(), await open(), await open(), await open()];
    expect(first.filter((answer) => answer === "a:x")).toHaveLength(2);
    // With open connections: reloads keep count of them, also where a server was gone in between.
    await driver.configure(relaying(port, [a.port], { scheduler: "lc" }));
    await driver.configure(plan(2));
    expect([await open(), await open(), await open()]).toEqual(["a:x", "a:x", "a:x"]);
    b.connections[0]?.socket.terminate();
    await waitFor("room at b", async () => (await driver.nextStatus()).connections === 6);
    expect(await open()).toBe("b:x");
  });

  test("keeps a client at its server by hash, in every process, until that is down", async () => {
    const port = freePort();
    await using a = new RawServer(greeting("a"));
    await using b = new RawServer(greeting("b"));
    await using c = new RawServer(greeting("c"));
    for (const scheduler of ["sh", "mh"] as const) {
      await using driver = await ProxyDriver.start(relaying(port, [a.port, b.port, c.port], { scheduler }));
      const [chosen] = await say(port, "1");
      expect([(await say(port, "2"))[0], (await say(port, "3"))[0]]).toEqual([chosen, chosen]);
      const gone = { a, b, c }[chosen ?? ""];
      driver.sendVerdicts([{ probe: `p${gone?.port}`, isUp: false, weight: null }]);
      await driver.nextStatus();
      const [next] = await say(port, "4");
      expect(next).not.toBe(chosen);
      expect((await say(port, "5"))[0]).toBe(next);
    }
  });

  test("keeps a client where it went, over reloads, and in other processes by what they are told", async () => {
    const port = freePort();
    await using a = new RawServer(greeting("a"));
    await using b = new RawServer(greeting("b"));
    const plan = relaying(port, [a.port, b.port], { scheduler: "wlc", persistenceS: 60 });
    await using driver = await ProxyDriver.start(plan);
    const [first] = await say(port, "1");
    const away = { a, b }[first ?? ""]?.port;
    const down = [{ probe: `p${away}`, isUp: false, weight: null }];
    const up = [{ probe: `p${away}`, isUp: true, weight: null }];
    driver.sendVerdicts(down);
    await driver.nextStatus();
    const [second] = await say(port, "2");
    expect(second).not.toBe(first);
    await driver.configure(plan, up);
    expect((await say(port, "3"))[0]).toBe(second);
    await waitFor("both notes", () => driver.clients.length === 2);
    expect(driver.clients.map(({ relay, client }) => `${relay} ${client}`)).toEqual([
      "tcp 127.0.0.1",
      "tcp 127.0.0.1",
    ]);

    process.kill(driver.pid, "SIGSTOP");
    await using _successor = await driver.successor(driver.clients);
    driver.kill();
    expect((await say(port, "4"))[0]).toBe(second);
  });

  test("carries the end of each half by itself", async () => {
    const port = freePort();
    await using server = new RawServer(() => undefined);
    await using driver = await ProxyDriver.start(relaying(port, [server.port]));
    await using client = await RawClient.connect(port);
    client.send("question");
    client.shutdown();
    await waitFor("the end of the question", () => server.connections[0]?.hasEnded === true);
    expect(server.received()).toBe("question");
    server.connections[0]?.send("answer");
    server.connections[0]?.socket.shutdown();
    expect(await client.expectEnd()).toBe("answer");
    await waitFor("no open connection", async () => (await driver.nextStatus()).connections === 0);
  });

  test("gives a slow client everything after both halves have ended in order", async () => {
    const port = freePort();
    await using server = new EchoServer();
    await using _driver = await ProxyDriver.start(relaying(port, [server.port]));
    const script = join(import.meta.dir, "../../support/half-close-client.py");
    for (const size of [300_000, 3_000_000]) {
      const client = Bun.spawn(["python3", script, String(port), String(size)], { stdout: "pipe" });
      expect((await new Response(client.stdout).text()).trim()).toBe(`${size} end`);
    }
  });

  test("keeps what a client sends before a server has accepted, little or much of it", async () => {
    const port = freePort();
    const full = freePort();
    await using server = new EchoServer();
    // Nobody accepts there, and its queue has room for one.
    const descriptor = listenTcp({ endpoint: { address: "127.0.0.1", port: full }, backlog: 0 });
    await using _waiting = await RawClient.connect(full);
    await using driver = await ProxyDriver.start(relaying(port, [full, server.port]));
    const script = join(import.meta.dir, "../../support/half-close-client.py");
    for (const size of [10, 3_000_000]) {
      await driver.configure(relaying(port, [full, server.port]));
      const client = Bun.spawn(["python3", script, String(port), String(size)], { stdout: "pipe" });
      expect((await new Response(client.stdout).text()).trim()).toBe(`${size} end`);
    }
    closeListener(descriptor);
  });

  test("forgets a client that reset its connection before it was accepted", async () => {
    const port = freePort();
    await using a = new RawServer(greeting("a"));
    await using driver = await ProxyDriver.start(relaying(port, [a.port], { persistenceS: 60 }));
    process.kill(driver.pid, "SIGSTOP");
    const reset =
      "import socket,struct,sys\nfor _ in range(4):\n c=socket.create_connection(('127.0.0.1',int(sys.argv[1])))\n" +
      " c.setsockopt(socket.SOL_SOCKET,socket.SO_LINGER,struct.pack('ii',1,0))\n c.close()\n";
    await Bun.spawn(["python3", "-c", reset, String(port)]).exited;
    process.kill(driver.pid, "SIGCONT");
    expect(await say(port, "1")).toBe("a:1");
    expect(driver.log()).not.toContain("was dropped");
    await waitFor("no open connection", async () => (await driver.nextStatus()).connections === 0);
  });

  test("ends one side when the other is reset", async () => {
    const port = freePort();
    await using server = new RawServer(greeting("a"));
    await using _driver = await ProxyDriver.start(relaying(port, [server.port]));
    await using client = await RawClient.connect(port);
    client.send("x");
    await client.expect("a:x");
    client.cut();
    await waitFor("the end at the server", () => server.connections[0]?.isClosed === true);
  });

  test("stops reading from a side whose peer does not read", async () => {
    const port = freePort();
    const size = 64 * 1024 * 1024;
    const payload = Buffer.alloc(1024 * 1024, "x");
    let left = size;
    const pump = (socket: Bun.Socket<unknown>): void => {
      while (left > 0) {
        const written = socket.write(payload, 0, Math.min(left, payload.length));
        if (written <= 0) return;
        left -= written;
      }
      socket.shutdown();
    };
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { open: pump, drain: pump, data: () => undefined },
    });
    await using driver = await ProxyDriver.start(relaying(port, [server.port]));
    await using client = await RawClient.connect(port);
    client.pause();
    await Bun.sleep(500);
    expect(left).toBeGreaterThan(size / 2);
    expect(driver.residentBytes()).toBeLessThan(200 * 1024 * 1024);
    client.resume();
    expect(await client.expectEnd()).toHaveLength(size);
    server.stop(true);
  });
});
