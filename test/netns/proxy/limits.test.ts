import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { ListenerPlan } from "../../../src/config/http-plan.ts";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { waitFor } from "../../support/lab.ts";
import { runCommand } from "../../support/lab-command.ts";
import { freePort, listener, ProxyDriver, simplePlan, upstreamServer } from "../../support/proxy-driver.ts";
import { answering, ask, RawClient, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const keepAlive = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

function planOn(port: number, origin: number, more: Partial<ListenerPlan>, workers = 1): ProxyPlan {
  return simplePlan(port, [upstreamServer(origin)], { workers, listeners: [listener(port, more)] });
}

/** Gives what curl gets from an address of its own; empty if it was not let in. */
async function curlFrom(port: number, address: string): Promise<string> {
  const { stdout } = await runCommand(["curl", "-s", "--interface", address, `http://127.0.0.1:${port}/`]);
  return stdout;
}

function header(client: string): string {
  return `PROXY TCP4 ${client} 192.0.2.11 40000 443\r\n`;
}

async function held(port: number): Promise<RawClient> {
  const client = await RawClient.connect(port);
  client.send(keepAlive);
  await client.expect("200 OK");
  return client;
}

describe("a listener's limits of connections", () => {
  test("hold for all of them, also over a reload, and count those that have left no more", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    const plan = planOn(port, origin.port, { mostConnections: 3 }, 2); // 2 for each of two processes
    await using proxy = await ProxyDriver.start(plan);
    const clients = [await held(port), await held(port)];
    expect(await curlFrom(port, "127.0.0.5")).toBe("");
    expect(proxy.log()).toContain("connections are refused: listener http has 2 in this process");
    await proxy.configure(plan);
    expect(await curlFrom(port, "127.0.0.5")).toBe("");
    clients[0]?.cut();
    await waitFor("there is room", async () => (await curlFrom(port, "127.0.0.5")) === "ok");
    clients[1]?.cut();
  });

  test("hold for each source, and for the one that a balancer names", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    await using _proxy = await ProxyDriver.start(planOn(port, origin.port, { mostPerSource: 1 }));
    await using _client = await held(port);
    expect(await curlFrom(port, "127.0.0.1")).toBe("");
    expect([await curlFrom(port, "127.0.0.5"), await curlFrom(port, "127.0.0.5")]).toEqual(["ok", "ok"]);
    const proxyProtocol = { from: [{ address: "127.0.0.1", length: 32 }], timeoutMs: 5_000 };
    const behind = freePort();
    await using _other = await ProxyDriver.start(
      planOn(behind, origin.port, { mostPerSource: 1, proxyProtocol }),
    );
    await using named = await RawClient.connect(behind);
    named.send(header("192.0.2.31") + keepAlive);
    await named.expect("200 OK");
    expect(await ask(behind, header("192.0.2.31") + request)).toBe("");
    expect(await ask(behind, header("192.0.2.32") + request)).toContain("200 OK");
  });

  test("hold for the whole process", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    await using _proxy = await ProxyDriver.start({ ...planOn(port, origin.port, {}), mostConnections: 1 });
    await using _client = await held(port);
    expect(await curlFrom(port, "127.0.0.5")).toBe("");
  });
});

test("a listener's limits of heads are answered with 414 and 431", async () => {
  await using origin = new RawServer(answering("ok"));
  const port = freePort();
  const widePort = freePort();
  const headLimits = { startLineBytes: 100, headBytes: 400, fields: 200 };
  await using _proxy = await ProxyDriver.start(planOn(port, origin.port, { headLimits }));
  expect(await ask(port, request.replace("/ ", `/${"x".repeat(100)} `))).toContain("414 URI Too Long");
  expect(await ask(port, request.replace("\r\n\r\n", `\r\nA: ${"x".repeat(400)}\r\n\r\n`))).toContain("431 ");
  const many = { startLineBytes: 8192, headBytes: 16_384, fields: 200 };
  await using wide = await ProxyDriver.start(planOn(widePort, origin.port, { headLimits: many }));
  expect(await ask(widePort, request.replace("\r\n\r\n", `${"\r\nA: b".repeat(197)}\r\n\r\n`))).toContain(
    "200 OK",
  );
  expect(await ask(widePort, request.replace("\r\n\r\n", `${"\r\nA: b".repeat(220)}\r\n\r\n`))).toContain(
    "431 ",
  );
  expect(wide.log()).toBe("");
});
