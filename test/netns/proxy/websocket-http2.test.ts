import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { errorCode, flag, frameType, settingsFrame } from "../../../src/proxy/http2/frames.ts";
import { waitFor } from "../../support/lab.ts";
import {
  fileLog,
  freePort,
  listener,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstream,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { RawHttp2Client } from "../../support/raw-http2.ts";
import { RawClient, RawServer, type ServerConnection } from "../../support/raw-tcp.ts";
import { webSocketAccept } from "../../../src/proxy/websocket-key.ts";

setDefaultTimeout(30_000);

const asked = {
  ":method": "CONNECT",
  ":protocol": "websocket",
  ":path": "/chat?x",
  "sec-websocket-version": "13",
};
const key = "dGhlIHNhbXBsZSBub25jZQ==";
const request1 = `GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`;
/** A text frame of a server, and a Close frame with 1001 of one. */
const text = "\x81\x02hi";
const goingAway = "\x88\x02\x03\xe9";

/** Answers requests for a WebSocket, and says what came behind them in angle brackets. */
function accepting(connection: ServerConnection, bytes: string): void {
  const sent = /sec-websocket-key: ([^\r]+)/i.exec(bytes)?.[1];
  if (sent === undefined) connection.send(`<${bytes}>`);
  else
    connection.send(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${webSocketAccept(sent)}\r\nSec-WebSocket-Protocol: chat\r\n\r\n`,
    );
}

function planOn(port: number, origin: number, more: Partial<ProxyPlan> = {}): ProxyPlan {
  const listeners = [listener(port, { http2: true })];
  return simplePlan(port, [upstreamServer(origin)], { listeners, ...more });
}

describe("a WebSocket over HTTP/2 (RFC 8441)", () => {
  test("is announced, reaches an HTTP/1.1 server as an upgrade, half closes, and counts and is logged as a WebSocket", async () => {
    const folder = mkdtempSync(join(tmpdir(), "edge-ha-websocket-"));
    const path = join(folder, "access.log");
    await using origin = new RawServer(accepting);
    const port = freePort();
    const sites = [site(["*"], [route("/", "apps")], { accessLog: fileLog(path, "$request $status") })];
    await using driver = await ProxyDriver.start(planOn(port, origin.port, { sites }));
    await using client = await RawHttp2Client.connect(port);
    const { payload } = await client.expect("SETTINGS", ({ type }) => type === frameType.settings);
    expect(payload.toString("hex")).toContain("000800000001");
    // What comes ahead of the answer is kept for the server.
    client.request(1, { ...asked, "sec-websocket-protocol": "chat", "sec-websocket-key": "mine" }, false);
    client.frame(frameType.data, 0, 1, Buffer.from("early"));
    const head = await client.expect(
      "an answer",
      ({ stream, type }) => stream === 1 && type === frameType.headers,
    );
    expect(head.fields).toEqual({ ":status": "200", "sec-websocket-protocol": "chat" });
    expect(head.flags & flag.endStream).toBe(0);
    await waitFor("what was early", () => client.body(1).toString() === "<early>");
    const got = origin.received();
    expect(got).toStartWith("GET /chat?x HTTP/1.1\r\n");
    expect(got).toMatch(/connection: upgrade\r\nupgrade: websocket\r\n/i);
    expect(got.match(/sec-websocket-key: [A-Za-z0-9+/]{22}==\r\n/gi)).toHaveLength(1);
    expect(got).toContain("sec-websocket-version: 13\r\n");
    client.frame(frameType.data, flag.endStream, 1, Buffer.from("last"));
    await waitFor("the end of the client's half", () => origin.connections[0]?.hasEnded === true);
    origin.connections[0]?.send("and more");
    origin.connections[0]?.socket.end();
    await client.expect(
      "the end",
      ({ flags, type }) => type === frameType.data && (flags & flag.endStream) !== 0,
    );
    expect(client.body(1).toString()).toBe("<early><last>and more");
    await waitFor("the log", () => readFileSync(path, "utf8") !== "");
    expect(readFileSync(path, "utf8")).toBe("GET /chat?x HTTP/2.0 101\n");
    expect((await driver.nextStatus()).responses["1xx"]).toBe(1);
    expect(driver.log()).toBe("");
    rmSync(folder, { recursive: true });
  });

  test("passes a reset on, both ways (§5), and is cut when it is silent for longer than the route allows", async () => {
    await using origin = new RawServer(accepting);
    const port = freePort();
    const sites = [site(["*"], [route("/", "apps", { readTimeoutMs: 1_500 })])];
    await using driver = await ProxyDriver.start(planOn(port, origin.port, { sites }));
    await using client = await RawHttp2Client.connect(port);
    for (const stream of [1, 3, 5]) {
      client.request(stream, asked, false);
      expect(await client.status(stream)).toBe("200");
    }
    client.frame(frameType.resetStream, 0, 1, Buffer.from([0, 0, 0, errorCode.cancel]));
    await waitFor("the end at the server", () => origin.connections[0]?.isClosed === true);
    origin.connections[1]?.socket.terminate();
    expect(await client.resetCode(3)).toBe(errorCode.cancel);
    expect(await client.resetCode(5)).toBe(errorCode.cancel);
    await waitFor("the end at the server", () => origin.connections[2]?.isClosed === true);
    expect(client.isClosed).toBe(false);
    expect(driver.log()).toBe("");
  });

  test("that is declined has the server's answer, but a success that is none becomes an error, for it would be taken for the WebSocket", async () => {
    await using origin = new RawServer((connection, bytes) =>
      connection.send(
        bytes.startsWith("GET /no")
          ? "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"
          : "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes",
      ),
    );
    const port = freePort();
    await using driver = await ProxyDriver.start(planOn(port, origin.port));
    await using client = await RawHttp2Client.connect(port);
    client.request(1, { ...asked, ":path": "/no" }, false);
    expect(await client.status(1)).toBe("403");
    await waitFor("its body", () => client.body(1).toString() === "no");
    client.request(3, asked, false);
    expect(await client.status(3)).toBe("502");
    client.request(5);
    expect(await client.status(5)).toBe("200");
    expect(driver.log()).toBe("");
  });

  test("keeps to the window of its client, and lets the server wait", async () => {
    const bytes = 3_000_000;
    await using origin = new RawServer(accepting);
    const port = freePort();
    await using _driver = await ProxyDriver.start(planOn(port, origin.port));
    await using client = await RawHttp2Client.connect(port);
    client.send(settingsFrame([[4, 10_000]]));
    client.request(1, asked, false);
    expect(await client.status(1)).toBe("200");
    const server = origin.connections[0]?.socket;
    const taken = server?.write(Buffer.alloc(bytes)) ?? 0;
    await waitFor("10,000 bytes", () => client.bodyBytes(1) === 10_000);
    for (const stream of [0, 1])
      client.frame(frameType.windowUpdate, 0, stream, Buffer.from([0x10, 0, 0, 0]));
    await waitFor("all that the server sent", () => client.bodyBytes(1) === taken);
  });

  test("goes in HTTP/1.1 to a server that is spoken to in HTTP/2 but does not announce it", async () => {
    let isHttp2 = 0;
    await using origin = new RawServer((connection, bytes) => {
      if (!bytes.startsWith("PRI ")) return accepting(connection, bytes);
      isHttp2 += 1;
      connection.send("\0\0\0\x04\0\0\0\0\0");
    });
    const port = freePort();
    const upstreams = [{ ...upstream("apps", [upstreamServer(origin.port)]), http2: true }];
    await using driver = await ProxyDriver.start(planOn(port, origin.port, { upstreams }));
    for (let count = 0; count < 2; count++) {
      await using client = await RawClient.connect(port);
      client.send(request1);
      await client.expect("101 Switching");
      client.send("hello");
      await client.expect("<hello>");
    }
    expect(isHttp2).toBe(1);
    expect(driver.log()).toBe("");
  });
});

async function open(
  port: number,
  origin: RawServer,
): Promise<{ readonly client: RawClient; readonly client2: RawHttp2Client }> {
  const client = await RawClient.connect(port);
  client.send(request1);
  await client.expect("101");
  const client2 = await RawHttp2Client.connect(port);
  client2.request(1, asked, false);
  await client2.status(1);
  for (const connection of origin.connections) connection.send(text);
  await client.expect(text);
  await waitFor("the text", () => client2.body(1).toString("latin1") === text);
  return { client, client2 };
}

async function expectGoodbye(
  { client, client2 }: { readonly client: RawClient; readonly client2: RawHttp2Client },
  origin: RawServer,
): Promise<void> {
  expect(await client.expectEnd()).toEndWith(text + goingAway);
  await waitFor("Close over HTTP/2", () => client2.body(1).toString("latin1") === text + goingAway);
  for (const connection of origin.connections) {
    await waitFor("the end at the server", () => connection.hasEnded || connection.isClosed);
    // Masked, as a client's has to be (§5.3).
    const close = Buffer.from(
      connection.received.slice(connection.received.indexOf("\r\n\r\n") + 4),
      "latin1",
    );
    expect([close[0], close[1], close.length]).toEqual([0x88, 0x82, 8]);
    expect(((close[6] ?? 0) ^ (close[2] ?? 0)) * 256 + ((close[7] ?? 0) ^ (close[3] ?? 0))).toBe(1001);
  }
}

describe("a WebSocket that the proxy ends is told that it goes away (RFC 6455 §7.4.1)", () => {
  test("at the end of a drain", async () => {
    await using origin = new RawServer(accepting);
    const port = freePort();
    await using driver = await ProxyDriver.start(planOn(port, origin.port));
    const clients = await open(port, origin);
    driver.send({ kind: "drain", deadlineMs: 100 });
    await expectGoodbye(clients, origin);
    expect(await driver.exited).toBe(0);
  });

  test("when its address moves, and not in the middle of a frame", async () => {
    await using origin = new RawServer(accepting);
    const port = freePort();
    await using driver = await ProxyDriver.start(planOn(port, origin.port));
    const clients = await open(port, origin);
    await using amid = await RawClient.connect(port);
    amid.send(request1);
    await amid.expect("101");
    const third = origin.connections.at(-1);
    third?.send("\x82\x05half");
    await amid.expect("half");
    origin.connections.pop();
    const step = { kind: "drain", limitMs: 50 } as const;
    driver.send({ kind: "departure", departure: { id: 1, addresses: ["127.0.0.1"], step } });
    await expectGoodbye(clients, origin);
    expect(await amid.expectEnd()).toEndWith("\x82\x05half");
    expect(third?.received).toContain("\x88\x82");
  });
});
