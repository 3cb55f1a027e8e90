import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { ListenerPlan } from "../../../src/config/http-plan.ts";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { waitFor } from "../../support/lab.ts";
import { runCommand } from "../../support/lab-command.ts";
import {
  freePort,
  listener,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { RawHttp2Client } from "../../support/raw-http2.ts";
import { flag, frameType } from "../../../src/proxy/http2/frames.ts";
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

/** Gives a client that has its answer and stays; it comes again until the end of one before it has been noticed. */
async function held(port: number): Promise<RawClient> {
  for (;;) {
    const client = await RawClient.connect(port);
    client.send(keepAlive);
    const isLetIn = (): boolean => client.received.includes("200 OK");
    await waitFor("an answer or the end", () => isLetIn() || client.hasEnded || client.isClosed);
    if (isLetIn()) return client;
  }
}

describe("a listener's limits of connections", () => {
  test("hold for all processes together, to the last connection, also over a reload", async () => {
    await using origin = new RawServer(answering("ok"));
    const [port, otherPort] = [freePort(), freePort()];
    const plan = planOn(port, origin.port, { mostConnections: 3 }, 2);
    await using proxy = await ProxyDriver.start(plan);
    const otherPlan = planOn(otherPort, origin.port, { mostConnections: 3 }, 2);
    await using other = await proxy.beside(otherPlan);
    // One has all of them while the other has none.
    const clients = [await held(port), await held(port), await held(port)];
    for (const each of [port, otherPort]) expect(await curlFrom(each, "127.0.0.5")).toBe("");
    await waitFor("the log says so", () =>
      other.log().includes("connections are refused: listener http has 3, all it may have"),
    );
    await proxy.configure(plan);
    expect(await curlFrom(port, "127.0.0.5")).toBe("");
    clients[0]?.cut();
    await waitFor(
      "there is room in the other",
      async () => (await curlFrom(otherPort, "127.0.0.5")) === "ok",
    );
    clients.push(await held(otherPort));
    for (const each of [port, otherPort]) expect(await curlFrom(each, "127.0.0.5")).toBe("");
    // A lower limit holds once there are fewer; what is open goes on.
    await other.configure(planOn(otherPort, origin.port, { mostConnections: 1 }, 2));
    clients[1]?.cut();
    clients[2]?.cut();
    await waitFor("there is room in one", async () => (await curlFrom(port, "127.0.0.5")) === "ok");
    expect(await curlFrom(otherPort, "127.0.0.5")).toBe("");
    clients[3]?.send(keepAlive);
    await waitFor("it is served", () => (clients[3]?.received.split("200 OK").length ?? 0) > 2);
    clients[3]?.cut();
  });

  test("count a process that finishes what is open, and no more one that is gone", async () => {
    const answer = answering("ok");
    await using origin = new RawServer((connection, bytes) => {
      if (!connection.received.includes("/slow")) answer(connection, bytes);
    });
    const [port, otherPort] = [freePort(), freePort()];
    const more = { mostConnections: 3, mostPerSource: 2 };
    await using one = await ProxyDriver.start(planOn(port, origin.port, more, 2));
    await using other = await one.beside(planOn(otherPort, origin.port, more, 2));
    await using slow = await RawClient.connect(port);
    slow.send(keepAlive.replace("/", "/slow"));
    await waitFor("it is with the server", () => origin.connections.length === 1);
    one.send({ kind: "drain", deadlineMs: 60_000 });
    await using fast = await held(otherPort);
    expect(await curlFrom(otherPort, "127.0.0.1")).toBe("");
    await waitFor("another is let in", async () => (await curlFrom(otherPort, "127.0.0.5")) === "ok");
    one.kill();
    await one.exited;
    await using next = await held(otherPort);
    expect(await curlFrom(otherPort, "127.0.0.1")).toBe("");
    // Its successor has its seat, and nothing in it.
    await using successor = await other.beside(planOn(freePort(), origin.port, more, 2));
    expect(await curlFrom(otherPort, "127.0.0.1")).toBe("");
    await waitFor("another is let in", async () => (await curlFrom(otherPort, "127.0.0.5")) === "ok");
    expect([slow.hasEnded, fast.hasEnded, next.hasEnded, successor.log()]).toEqual([true, false, false, ""]);
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

const to = (path: string, more = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}Connection: close\r\n\r\n`;
const post = (path: string, size: number): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n` +
  `${size.toString(16)}\r\n${"x".repeat(size)}\r\n0\r\n\r\n`;

describe("a route's own limits", () => {
  const limited = route("/short", "apps", {
    maxBodyBytes: 10,
    headLimits: { startLineBytes: 40, headBytes: 300, fields: 10 },
  });
  const plan = (port: number, origin: number): ProxyPlan => ({
    ...simplePlan(port, [upstreamServer(origin)]),
    listeners: [listener(port, { http2: true })],
    sites: [site(["*"], [limited, route("/", "apps", { maxBodyBytes: 100 })])],
  });

  test("hold for its requests and no others, over HTTP/1.1 and HTTP/2 alike", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    await using proxy = await ProxyDriver.start(plan(port, origin.port));
    const long = "x".repeat(60);
    const status = async (text: string): Promise<string> => (await ask(port, text)).slice(9, 12);
    expect(await status(to("/short"))).toBe("200");
    expect(await status(to(`/short?${long}`))).toBe("414");
    expect(await status(to(`/other?${long}`))).toBe("200");
    expect(await status(to("/short", `A: ${"y".repeat(300)}\r\n`))).toBe("431");
    expect(await status(to("/short", "A: b\r\n".repeat(10)))).toBe("431");
    expect(await status(to("/other", "A: b\r\n".repeat(10)))).toBe("200");
    expect(await status(post("/short", 10))).toBe("200");
    expect(await status(post("/short", 11))).toBe("413");
    expect(await status(post("/other", 100))).toBe("200");
    expect(await status(post("/other", 101))).toBe("413");

    await using client = await RawHttp2Client.connect(port);
    let stream = -1;
    const over2 = async (path: string, fields: Record<string, string>, body = 0): Promise<string> => {
      stream += 2;
      client.request(stream, { ":path": path, ...fields }, body === 0);
      if (body > 0) client.frame(frameType.data, flag.endStream, stream, Buffer.alloc(body));
      return (await client.status(stream)) ?? "none";
    };
    expect(await over2("/short", {})).toBe("200");
    expect(await over2(`/short?${long}`, {})).toBe("414");
    expect(await over2(`/other?${long}`, {})).toBe("200");
    expect(await over2("/short", { a: "y".repeat(300) })).toBe("431");
    expect(await over2("/other", { a: "y".repeat(300) })).toBe("200");
    expect(await over2("/short", {}, 10)).toBe("200");
    expect(await over2("/short", {}, 11)).toBe("413");
    expect(await over2("/other", {}, 100)).toBe("200");
    expect(await over2("/other", {}, 101)).toBe("413");
    expect(proxy.log()).toBe("");
  });
});
