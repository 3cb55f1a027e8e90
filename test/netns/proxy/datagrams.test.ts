import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { ProxyPlan, RelayPlan, RelayServerPlan } from "../../../src/config/node-plan.ts";
import { waitFor } from "../../support/lab.ts";
import { freePort, ProxyDriver, simplePlan } from "../../support/proxy-driver.ts";
import { UdpClient, UdpServer } from "../../support/udp.ts";

setDefaultTimeout(30_000);

function server(port: number, more: Partial<RelayServerPlan> = {}): RelayServerPlan {
  return {
    address: "127.0.0.1",
    port,
    weight: 1,
    probe: `p${port}`,
    upperThreshold: 0,
    lowerThreshold: 0,
    ...more,
  };
}

function udpPlan(
  port: number,
  servers: readonly RelayServerPlan[],
  more: Partial<RelayPlan> & { readonly mostFlows?: number } = {},
): ProxyPlan {
  const { mostFlows = 1000, ...relay } = more;
  const plan: RelayPlan = {
    name: "dns",
    udp: { idleTimeoutMs: 300_000, isOnePacket: false },
    sockets: [{ address: "127.0.0.1", port }],
    scheduler: "rr",
    schedulerFlags: [],
    persistenceS: 0,
    persistencePrefix: { ipv4: 32, ipv6: 128 },
    connectTimeoutMs: 5_000,
    proxyProtocol: null,
    sorry: null,
    startsDown: false,
    servers,
    ...relay,
  };
  return simplePlan(0, [], { listeners: [], sites: [], relays: [plan], mostFlows });
}

function verdict(port: number, isUp: boolean): { probe: string; isUp: boolean; weight: null } {
  return { probe: `p${port}`, isUp, weight: null };
}

async function flows(driver: ProxyDriver): Promise<number> {
  return (await driver.nextStatus()).connections;
}

describe("a relayed UDP service", () => {
  test("spreads flows over servers and keeps each where it is, with one socket for each", async () => {
    const port = freePort();
    using a = await UdpServer.start("a");
    using b = await UdpServer.start("b");
    await using driver = await ProxyDriver.start(udpPlan(port, [server(a.port), server(b.port)]));
    using one = await UdpClient.open();
    using two = await UdpClient.open();
    expect([await one.ask(port, "1"), await two.ask(port, "2")]).toEqual(["a:1", "b:2"]);
    expect([await one.ask(port, "3"), await two.ask(port, "4")]).toEqual(["a:3", "b:4"]);
    expect(await one.ask(port, "x".repeat(60_000))).toBe(`a:${"x".repeat(60_000)}`);
    expect(await one.ask(port, "")).toBe("a:");
    expect(new Set(a.sources).size).toBe(1);
    expect(await flows(driver)).toBe(2);
  });

  test("carries every answer of many, and from the address that was asked", async () => {
    const port = freePort();
    const many = Array.from({ length: 40 }, (_, index) => `${index}`);
    using a = await UdpServer.start("a", { answers: () => many });
    const sockets = ["127.0.0.1", "127.0.0.2", "::1"].map((address) => ({ address, port }));
    await using _driver = await ProxyDriver.start(udpPlan(port, [server(a.port)], { sockets }));
    for (const { address } of sockets) {
      const answered: string[] = [];
      // A connected socket takes datagrams from nowhere else.
      const client = await Bun.udpSocket({
        hostname: address === "::1" ? "::1" : "127.0.0.1",
        connect: { hostname: address, port },
        socket: { data: (_, bytes) => void answered.push(bytes.toString()) },
      });
      client.send("all");
      await waitFor("every answer", () => answered.length === many.length);
      expect(answered).toEqual(many);
      client.close();
    }
  });

  test("takes a flow elsewhere when its server is down, to the sorry server without any, and back", async () => {
    const port = freePort();
    using a = await UdpServer.start("a");
    using b = await UdpServer.start("b");
    using sorry = await UdpServer.start("sorry");
    const plan = udpPlan(port, [server(a.port), server(b.port)], {
      sorry: { address: "127.0.0.1", port: sorry.port },
    });
    await using driver = await ProxyDriver.start(plan);
    using client = await UdpClient.open();
    expect(await client.ask(port, "1")).toBe("a:1");
    const tell = async (...verdicts: ReturnType<typeof verdict>[]): Promise<void> => {
      driver.sendVerdicts(verdicts);
      await driver.nextStatus();
    };
    await tell(verdict(a.port, false));
    expect(await client.ask(port, "2")).toBe("b:2");
    await tell(verdict(b.port, false));
    expect(await client.ask(port, "3")).toBe("sorry:3");
    expect(await client.ask(port, "4")).toBe("sorry:4");
    await tell(verdict(b.port, true));
    expect(await client.ask(port, "5")).toBe("b:5");
    expect(await flows(driver)).toBe(1);
  });

  test("asks another server at once when one is not there, and reports it", async () => {
    const port = freePort();
    const dead = freePort();
    using a = await UdpServer.start("a");
    await using driver = await ProxyDriver.start(udpPlan(port, [server(dead), server(a.port)]));
    const reported = driver.nextSuspects();
    using client = await UdpClient.open();
    // The datagram that the dead one refused is the one that is answered.
    expect(await client.ask(port, "1")).toBe("a:1");
    expect(await reported).toEqual([`p${dead}`]);
    // Nobody is left: silence, and nothing breaks.
    await driver.configure(udpPlan(port, [server(dead)]));
    client.send(port, "2");
    await waitFor("the end of the flow", async () => (await flows(driver)) === 0);
    await driver.configure(udpPlan(port, [server(dead), server(a.port)]));
    expect(await client.ask(port, "3")).toBe("a:3");
  });

  test("goes on over a reload, and away from a server that is not in it any more", async () => {
    const port = freePort();
    using a = await UdpServer.start("a");
    using b = await UdpServer.start("b");
    const both = [server(a.port), server(b.port)];
    await using driver = await ProxyDriver.start(udpPlan(port, both));
    using client = await UdpClient.open();
    expect(await client.ask(port, "1")).toBe("a:1");
    // Weight 0 takes no new flows.
    await driver.configure(udpPlan(port, [server(a.port, { weight: 0 }), server(b.port)]));
    expect(await client.ask(port, "2")).toBe("a:2");
    using late = await UdpClient.open();
    expect([await late.ask(port, "3"), new Set(a.sources).size]).toEqual(["b:3", 1]);
    await driver.configure(udpPlan(port, [server(b.port)]));
    expect(await client.ask(port, "4")).toBe("b:4");
  });

  test("ends a flow that is idle, and has room again at a full server", async () => {
    const port = freePort();
    using a = await UdpServer.start("a");
    using b = await UdpServer.start("b");
    const plan = (idleTimeoutMs: number): ProxyPlan =>
      udpPlan(port, [server(a.port, { upperThreshold: 1 }), server(b.port, { weight: 0 })], {
        udp: { idleTimeoutMs, isOnePacket: false },
        sorry: { address: "127.0.0.1", port: b.port },
      });
    await using driver = await ProxyDriver.start(plan(300_000));
    using one = await UdpClient.open();
    using two = await UdpClient.open();
    expect([await one.ask(port, "1"), await two.ask(port, "2")]).toEqual(["a:1", "b:2"]);
    await driver.configure(plan(100));
    await one.ask(port, "3");
    await two.ask(port, "4");
    await waitFor("the end of both", async () => (await flows(driver)) === 0);
    expect(await two.ask(port, "5")).toBe("a:5");
  });

  test("chooses for each datagram by itself in one-packet mode, over a socket for each client and server", async () => {
    const port = freePort();
    using a = await UdpServer.start("a");
    using b = await UdpServer.start("b");
    const udp = { idleTimeoutMs: 300_000, isOnePacket: true };
    await using driver = await ProxyDriver.start(udpPlan(port, [server(a.port), server(b.port)], { udp }));
    using client = await UdpClient.open();
    const answers = [];
    for (const text of ["1", "2", "3", "4"]) answers.push(await client.ask(port, text));
    expect(answers).toEqual(["a:1", "b:2", "a:3", "b:4"]);
    expect([new Set(a.sources).size, await flows(driver)]).toEqual([1, 2]);
    driver.sendVerdicts([verdict(a.port, false)]);
    await driver.nextStatus();
    expect([await client.ask(port, "5"), await client.ask(port, "6")]).toEqual(["b:5", "b:6"]);
  });

  test("keeps a client with its server by persistence, whatever port it comes from", async () => {
    const port = freePort();
    using a = await UdpServer.start("a");
    using b = await UdpServer.start("b");
    const plan = udpPlan(port, [server(a.port), server(b.port)], { persistenceS: 60 });
    await using driver = await ProxyDriver.start(plan);
    const names = new Set<string>();
    for (let turn = 0; turn < 4; turn++) {
      using client = await UdpClient.open();
      names.add((await client.ask(port, "x"))[0] ?? "");
    }
    expect(names.size).toBe(1);
    await waitFor("the note", () => driver.clients.length === 1);
  });

  test("says that the table is full, and takes new flows in place of questions that have been answered", async () => {
    const port = freePort();
    using a = await UdpServer.start("a");
    await using driver = await ProxyDriver.start(udpPlan(port, [server(a.port)], { mostFlows: 8 }));
    using steady = await UdpClient.open();
    await steady.ask(port, "hello");
    await steady.ask(port, "again");
    for (let turn = 0; turn < 50; turn++) {
      using client = await UdpClient.open();
      expect(await client.ask(port, `${turn}`)).toBe(`a:${turn}`);
    }
    expect(await steady.ask(port, "still")).toBe("a:still");
    // It went to and fro, and kept its socket.
    expect(a.sources.filter((source) => source === a.sources[0])).toHaveLength(3);
    expect(await flows(driver)).toBe(8);
    expect(driver.log().match(/8 UDP flows are open in this process/g)).toHaveLength(1);
  });

  test("goes on when a process dies and when a flood of garbage comes", async () => {
    const port = freePort();
    using a = await UdpServer.start("a", { answers: (text) => (text.startsWith("q") ? [text] : []) });
    const plan = udpPlan(port, [server(a.port)], { mostFlows: 200 });
    await using first = await ProxyDriver.start(plan);
    using client = await UdpClient.open();
    expect(await client.ask(port, "q1")).toBe("q1");
    process.kill(first.pid, "SIGSTOP");
    await using driver = await first.successor();
    first.kill();
    await first.exited;
    expect(await client.ask(port, "q2")).toBe("q2");
    const before = driver.residentBytes();
    for (let turn = 0; turn < 1_000; turn++) {
      using flood = await UdpClient.open();
      flood.send(port, String.fromCodePoint(turn % 256).repeat((turn * 37) % 9_000));
    }
    // What the flood left no room for in the queue is lost, as with any server.
    await waitFor("an answer after the flood", () => {
      client.send(port, "q3");
      return client.received.includes("q3");
    });
    expect(driver.residentBytes() - before).toBeLessThan(64 * 1024 * 1024);
    expect(await flows(driver)).toBeLessThanOrEqual(200);
  });
});
