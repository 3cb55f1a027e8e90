import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { waitFor } from "../../support/lab.ts";
import {
  freePort,
  listener,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstream,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { answering, ask, RawClient, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(60_000);

const peer = fileURLToPath(new URL("../../support/websocket-peer.mjs", import.meta.url));
const key = "dGhlIHNhbXBsZSBub25jZQ==";
const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n`;
const request = `GET /chat HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`;
const switching = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;

async function echoServer(version: 1 | 2): Promise<{ readonly port: number; stop(): void }> {
  const child = Bun.spawn(["node", peer, "serve", `${version}`], { stdout: "pipe", stderr: "inherit" });
  const { value } = await child.stdout.getReader().read();
  return { port: Number(new TextDecoder().decode(value)), stop: () => child.kill() };
}

describe("a WebSocket", () => {
  for (const [from, to] of [
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
  ] as const) {
    test(`of the ws library passes in HTTP/${from} from its client and in HTTP/${to} to its server: messages of all sizes, compressed and in fragments, pings, close codes`, async () => {
      const server = await echoServer(to);
      const port = freePort();
      const upstreams = [{ ...upstream("apps", [upstreamServer(server.port)]), http2: to === 2 }];
      const listeners = [listener(port, { http2: from === 2 })];
      await using driver = await ProxyDriver.start(simplePlan(port, [], { upstreams, listeners }));
      const client = Bun.spawn(["node", peer, "talk", `${from}`, `127.0.0.1:${port}`], {
        stdout: "pipe",
        stderr: "inherit",
      });
      expect(JSON.parse(await new Response(client.stdout).text())).toEqual({
        agreed: ["permessage-deflate", "chat.v2"],
        echoes: 300,
        wrongSizes: [],
        fragments: "in three parts",
        pong: "between",
        pinged: "pong hello",
        closes: {
          "by the client": "4001 enough",
          "by the server": "4002 closing time",
          "without a code": 1005,
          "broken off by the server": 1006,
        },
      });
      await waitFor("no open connection", async () => (await driver.nextStatus()).connections === 0);
      expect(driver.status?.responses["1xx"]).toBe(5);
      expect(driver.log()).toBe("");
      server.stop();
    });
  }

  test("that the server declines stays plain HTTP", async () => {
    const port = freePort();
    await using origin = new RawServer(answering("no"));
    await using _driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
    const answer = await ask(port, `${request}GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(answer.match(/200 OK/g)).toHaveLength(2);
  });

  test("is a tunnel only after the right answer; what came with it goes through", async () => {
    const port = freePort();
    await using origin = new RawServer((connection, bytes) => {
      if (bytes.startsWith("GET")) connection.send(`${switching}welcome`);
      else connection.send(`<${bytes}>`);
    });
    await using _driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
    await using client = await RawClient.connect(port);
    client.send(`${request}early`);
    const answer = await client.expect("<early>");
    expect(answer).toMatch(
      /^HTTP\/1\.1 101 Switching Protocols\r\n[^]*Upgrade: websocket\r\n\r\nwelcome<early>$/i,
    );
    client.send("GET / HTTP/1.1\r\n\r\n");
    await client.expect("<early>HTTP/1.1 101");
    client.shutdown();
    await waitFor("the end of the half at the server", () => origin.connections[0]?.hasEnded === true);
  });

  const wrong: readonly (readonly [what: string, said: string])[] = [
    ["a wrong Sec-WebSocket-Accept", switching.replace(accept, "AAAA")],
    ["another protocol", switching.replace("Upgrade: websocket", "Upgrade: h2c")],
    ["no Connection: upgrade", switching.replace("Connection: Upgrade\r\n", "")],
  ];
  for (const [what, said] of wrong) {
    test(`with ${what} in the answer becomes 502`, async () => {
      const port = freePort();
      await using origin = new RawServer((connection) => connection.send(said));
      await using _driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
      await using client = await RawClient.connect(port);
      client.send(request);
      await client.expect("HTTP/1.1 502");
    });
  }

  test("is not what an upgrade to h2c is: it never reaches the server", async () => {
    const port = freePort();
    await using origin = new RawServer(answering("plain"));
    await using _driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
    const h2c =
      "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n";
    expect(await ask(port, `GET / HTTP/1.1\r\nHost: a\r\n${h2c}\r\n`)).toEndWith("plain");
    expect(origin.received()).not.toMatch(/upgrade|http2-settings|h2c/i);
  });

  test("passes on that the client has ended its side before the server has answered", async () => {
    const port = freePort();
    await using origin = new RawServer(() => undefined);
    await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
    await using client = await RawClient.connect(port);
    client.send(request);
    client.shutdown();
    await waitFor("the request", () => origin.received() !== "");
    // Whoever answers what has come later has read the client's end.
    await using later = await RawClient.connect(port);
    later.send("nonsense\r\n\r\n");
    await later.expect(" 400 ");
    later.cut();
    origin.connections[0]?.send(switching);
    await waitFor("its end at the server", () => origin.connections[0]?.hasEnded === true);
    origin.connections[0]?.send("last words");
    origin.connections[0]?.end();
    expect(await client.expectEnd()).toEndWith("\r\n\r\nlast words");
    await waitFor("no open connection", async () => (await driver.nextStatus()).connections === 0);
  });

  test("is cut when it is silent for longer than the route allows", async () => {
    const port = freePort();
    await using origin = new RawServer((connection) => connection.send(switching));
    const sites = [site(["*"], [route("/", "apps", { readTimeoutMs: 300 })])];
    await using _driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)], { sites }));
    await using client = await RawClient.connect(port);
    client.send(request);
    await client.expect("101");
    await client.expectEnd();
  });
});
