import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ListenerPlan } from "../../../src/config/http-plan.ts";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { webSocketAccept } from "../../../src/proxy/websocket-key.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { Http3Client } from "../../support/http3-client.ts";
import { runCommand } from "../../support/lab-command.ts";
import { waitFor } from "../../support/lab.ts";
import {
  fileLog,
  freePort,
  listener,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { RawServer, type ServerConnection } from "../../support/raw-tcp.ts";

setDefaultTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), "edge-ha-http3-"));
const at = (name: string): string => join(folder, name);
const logPath = at("access.log");
const bodyBytes = 1024 ** 2;

beforeAll(async () => {
  await makeCertificates(folder, ["shop.example", "blog.example"]);
  writeFileSync(at("body"), Buffer.alloc(bodyBytes, 7));
});
afterAll(() => rmSync(folder, { recursive: true }));

const pair = (name: string): { readonly certificate: string; readonly key: string } => ({
  certificate: at(`${name}.pem`),
  key: at(`${name}.key`),
});

function planOn(
  port: number,
  origin: number,
  more: Partial<ListenerPlan> = {},
  all: Partial<ProxyPlan> = {},
): ProxyPlan {
  const tls = {
    certificates: [pair("shop.example")],
    minVersion: "1.2",
    ciphers: null,
    clients: null,
  } as const;
  const limited = route("/limited", "apps", { maxBodyBytes: 1000 });
  return simplePlan(port, [upstreamServer(origin)], {
    listeners: [listener(port, { tls, http2: true, http3: { rememberedS: 60 }, ...more })],
    sites: [
      site(["shop.example", "127.0.0.1"], [route("/", "apps"), limited], {
        accessLog: fileLog(
          logPath,
          "$remote_addr $request $status $body_bytes_sent $ssl_protocol $ssl_server_name",
        ),
      }),
    ],
    ...all,
  });
}

function logged(): string {
  return readFileSync(logPath, "latin1");
}

async function waitForLog(line: string): Promise<void> {
  await waitFor(`${line} in the log`, () => logged().includes(line)).catch((error: unknown) => {
    throw new Error(logged(), { cause: error });
  });
}

const quiet = ["-q", "--exit-on-all-streams-close"];

/** Asks with ngtcp2's client, and gives the body. */
async function gtlsclient(port: number, path: string, ...words: readonly string[]): Promise<Buffer> {
  const to = ["127.0.0.1", String(port), `https://shop.example${path}`];
  const how = [...quiet, "--download", folder];
  const { exitCode, stderr } = await runCommand(["gtlsclient", ...how, ...words, ...to], {
    timeoutMs: 60_000,
  });
  if (exitCode !== 0) throw new Error(stderr);
  return words.includes("HEAD") ? Buffer.alloc(0) : readFileSync(at(path.slice(1)));
}

/** Opens a socket whose datagrams leave from an address of this host for a port of the loopback address. */
async function leaving(
  hostname: string,
  port: number,
  back: (bytes: Buffer) => void,
): Promise<Bun.udp.ConnectedSocket<"buffer">> {
  const socket = { data: (_: unknown, bytes: Buffer): void => back(bytes), error: (): void => undefined };
  return await Bun.udpSocket({ hostname, connect: { hostname: "127.0.0.1", port }, socket });
}

/** Serves what the paths say, by the runtime's own HTTP. */
function apps(): Bun.Server<undefined> {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    maxRequestBodySize: 10 * bodyBytes,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/big") return new Response(Buffer.alloc(8 * bodyBytes, 98));
      if (pathname === "/echo") return new Response(await request.bytes());
      return new Response(`${request.method} for ${request.headers.get("x-forwarded-for")}`);
    },
  });
}

describe("HTTP/3", () => {
  test("carries ngtcp2's client's GET, HEAD and a POST of 1 MiB and back, is logged, and announced over TCP", async () => {
    using origin = apps();
    const port = freePort();
    await using driver = await ProxyDriver.start(planOn(port, origin.port ?? 0));
    expect((await gtlsclient(port, "/page")).toString()).toBe("GET for 127.0.0.1");
    await gtlsclient(port, "/head", "-m", "HEAD");
    const echoed = await gtlsclient(port, "/echo", "-m", "POST", "-d", at("body"));
    expect(echoed.equals(readFileSync(at("body")))).toBe(true);
    await waitForLog("127.0.0.1 GET /page HTTP/3.0 200 17 TLSv1.3 localhost");
    await waitForLog("HEAD /head HTTP/3.0 200 0");
    await waitForLog(`POST /echo HTTP/3.0 200 ${bodyBytes}`);
    for (const version of ["--http1.1", "--http2"]) {
      const words = ["curl", "-ski", version, "--resolve", `shop.example:${port}:127.0.0.1`];
      const urls = [`https://shop.example:${port}/page`, `https://other.example:${port}/`];
      const told = await runCommand([...words, "--resolve", `other.example:${port}:127.0.0.1`, ...urls]);
      expect(told.stdout.match(/alt-svc: h3=":\d+"; ma=60\r\n/gi)).toHaveLength(2);
    }
    expect((await driver.nextStatus()).requests).toBe(7);
  });

  test("passes targets octet for octet, 1xx, several fields of a name, trailers and obs-text, as HTTP/2 does", async () => {
    const heads: string[] = [];
    await using origin = new RawServer((connection, bytes) => {
      heads.push(bytes);
      connection.send(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" +
          "Set-Cookie: a\r\nSet-Cookie: b\r\nETag: one\r\nETag: two\r\nX-Name: caf\xe9\r\nTrailer: x-sum\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n" +
          "5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n",
      );
    });
    const port = freePort();
    await using _ = await ProxyDriver.start(planOn(port, origin.port));
    await using client = await Http3Client.connect(port);
    const given = {
      "x-a": ["1", "2"],
      "x-b": "caf\xe9",
      te: "trailers",
      cookie: ["a=1", "b=2"],
      connection: undefined,
    };
    const { body, fields, interim, trailers } = await client.get("/a//b/%2e%2e/../c?x=%7e", given);
    const [head = ""] = heads;
    expect(head).toStartWith("GET /a//b/%2e%2e/../c?x=%7e HTTP/1.1\r\nHost: shop.example\r\n");
    expect(head).toContain("x-a: 1\r\nx-a: 2\r\nx-b: caf\xe9\r\n");
    expect(head).toContain("cookie: a=1; b=2\r\n");
    expect(head).toContain("X-Forwarded-Proto: https\r\n");
    expect(head).not.toContain("Transfer-Encoding");
    expect(interim).toEqual([{ ":status": "103", link: "</a>" }]);
    expect(fields).toEqual({
      ":status": "200",
      "set-cookie": ["a", "b"],
      etag: "one",
      "x-name": "caf\xe9",
      "alt-svc": `h3=":${port}"; ma=60`,
    });
    expect(body).toBe("hello");
    expect(trailers).toEqual({ "x-sum": "7" });
  });

  test("answers by the rules: no site, a body too large, a head too large, malformed requests; the connection goes on", async () => {
    using origin = apps();
    const port = freePort();
    const headLimits = { startLineBytes: 8192, headBytes: 16_384, fields: 20 };
    await using driver = await ProxyDriver.start(planOn(port, origin.port ?? 0, { headLimits }));
    await using client = await Http3Client.connect(port);
    const other = await client.get("/", { ":authority": "other.example" });
    expect([other.status, other.body]).toEqual([404, "404 Not Found\n"]);
    const large = await client.ask(
      "/limited",
      { ":method": "POST", "content-length": "2000" },
      { sends: true },
    );
    expect((await large.end()).status).toBe(413);
    const unknown = await client.ask("/limited", { ":method": "POST" }, { sends: true });
    void unknown.sendZeros(2000);
    expect((await unknown.end()).status).toBe(413);
    expect((await client.get("/", { "x-long": "a".repeat(20_000) })).status).toBe(431);
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`x-${index}`, "1"]));
    expect((await client.get("/", many)).status).toBe(431);
    for (const malformed of [{ ":path": undefined }, { host: "other.example" }, { "x-a": "a\tb\u0001" }]) {
      expect((await client.get("/", malformed)).isReset).toBe(true);
    }
    const short = await client.ask("/echo", { ":method": "POST", "content-length": "2000" }, { sends: true });
    expect((await client.get("/fine")).body).toBe("GET for 127.0.0.1");
    // It may have a body without a length whose first part is late: the server hears of it before.
    const late = await client.ask("/late", { ":method": "POST" }, { sends: true });
    await waitFor("the answer", () => late.body === "POST for 127.0.0.1");
    // The runtime ends the connection of a client that says one length and sends another.
    await short.sendZeros(1000);
    await waitFor("the end of the connection", () => client.isClosed);
    expect(driver.log()).not.toContain("dropped");
  });

  test("resets what a server breaks off, and lets go of the server when the client does", async () => {
    const open: ServerConnection[] = [];
    await using origin = new RawServer((connection, bytes) => {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
      if (bytes.startsWith("GET /breaks")) connection.socket.end();
      else open.push(connection);
    });
    const port = freePort();
    await using _ = await ProxyDriver.start(planOn(port, origin.port));
    await using client = await Http3Client.connect(port);
    expect((await client.get("/breaks")).isReset).toBe(true);
    const left = await client.ask("/left");
    await waitFor("the beginning of the response", () => left.body === "hello");
    left.stream.stopSending(0x10cn);
    await waitFor("the end at the server", () => open[0]?.isClosed === true);
    const cut = await client.ask("/cut");
    await waitFor("the beginning of the response", () => cut.body === "hello");
    await client[Symbol.asyncDispose]();
    await waitFor("the end at the server", () => open[1]?.isClosed === true);
    await waitForLog("GET /cut HTTP/3.0 499");
  });

  test("keeps little of a response for a client that stands still, and of a body for a server that does", async () => {
    let sent = 0;
    let isTaken = false;
    const resumed: (() => void)[] = [];
    const server = createServer((request, response) => {
      const write = (): void => {
        while (sent < 32 * bodyBytes) {
          sent += 65_536;
          if (!response.write(Buffer.alloc(65_536))) return void response.once("drain", write);
        }
        response.end();
      };
      if (request.method === "GET") return write();
      let bytes = 0;
      const take = (): void => {
        isTaken = true;
        request.on("data", (piece: Buffer) => void (bytes += piece.length));
        request.on("end", () => response.end(String(bytes)));
      };
      resumed.push(take);
    });
    const originPort = freePort();
    await new Promise<void>((resolve) => server.listen(originPort, "127.0.0.1", resolve));
    const port = freePort();
    await using driver = await ProxyDriver.start(planOn(port, originPort));
    const to = ["--download", folder, "127.0.0.1", String(port), "https://shop.example/still"];
    const still = Bun.spawn(["gtlsclient", ...quiet, ...to], { stdio: ["ignore", "ignore", "ignore"] });
    await waitFor("the beginning of the response", () => sent > 0);
    still.kill("SIGSTOP");
    let before = -1;
    // Until nothing moves any more: everything is full from end to end.
    while (before !== sent) {
      before = sent;
      await Bun.sleep(300);
    }
    expect(sent).toBeLessThan(24 * bodyBytes);
    still.kill("SIGCONT");
    await still.exited;
    expect(readFileSync(at("still")).length).toBe(32 * bodyBytes);
    const used = driver.residentBytes();
    await using client = await Http3Client.connect(port);
    const upload = await client.ask("/", { ":method": "POST" }, { sends: true });
    void upload.sendZeros(32 * bodyBytes);
    await waitFor("the request at the server", () => resumed.length === 1);
    await Bun.sleep(1000);
    expect(isTaken).toBe(false);
    expect(driver.residentBytes() - used).toBeLessThan(24 * bodyBytes);
    // Others of the same process do not notice.
    await using other = await Http3Client.connect(port);
    expect((await other.get("/", { ":authority": "other.example" })).status).toBe(404);
    resumed[0]?.();
    await upload.end();
    expect(upload.body).toBe(String(32 * bodyBytes));
    server.close();
  });

  test("goes on through a new plan and shows a new certificate from then on", async () => {
    copyFileSync(at("shop.example.pem"), at("own.pem"));
    copyFileSync(at("shop.example.key"), at("own.key"));
    using origin = apps();
    const port = freePort();
    const tls = { certificates: [pair("own")], minVersion: "1.2", ciphers: null, clients: null } as const;
    const plan = planOn(port, origin.port ?? 0, { tls });
    await using driver = await ProxyDriver.start(plan);
    await using client = await Http3Client.connect(port);
    expect(client.session.peerCertificate?.subject).toBe("CN=shop.example");
    const download = await client.ask("/big", {}, { reads: false });
    await waitFor("the head", () => download.status === 200);
    copyFileSync(at("blog.example.pem"), at("own.pem"));
    copyFileSync(at("blog.example.key"), at("own.key"));
    await driver.configure({ ...plan, sites: [] });
    await download.read();
    expect(download.bytes).toBe(8 * bodyBytes);
    await using later = await Http3Client.connect(port);
    expect(later.session.peerCertificate?.subject).toBe("CN=blog.example");
    expect((await later.get("/")).status).toBe(404);
    expect((await client.get("/")).status).toBe(404);
    // Without HTTP/3 it is over for everybody.
    await driver.configure(planOn(port, origin.port ?? 0, { tls, http3: null }));
    await waitFor("the end of the connections", () => client.isClosed && later.isClosed);
  });

  test("tells clients when the process leaves", async () => {
    using origin = apps();
    const port = freePort();
    await using driver = await ProxyDriver.start(planOn(port, origin.port ?? 0));
    await using client = await Http3Client.connect(port);
    expect((await client.get("/")).status).toBe(200);
    driver.send({ kind: "drain", deadlineMs: 5_000 });
    await waitFor("the end of the connection", () => client.isClosed);
    expect(await driver.exited).toBe(0);
  });

  test("lets no garbage and no flood of first packets in the way of others, and bounds connections of a source", async () => {
    using origin = apps();
    const port = freePort();
    const plan = planOn(port, origin.port ?? 0, { mostPerSource: 2 }, { mostFlows: 50 });
    await using driver = await ProxyDriver.start(plan);
    const send = async (count: number, bytes: Uint8Array): Promise<void> => {
      for (let index = 0; index < count; index++) {
        const socket = await Bun.udpSocket({ connect: { hostname: "127.0.0.1", port } });
        socket.send(bytes);
        socket.close();
      }
    };
    const before = driver.residentBytes();
    await send(300, crypto.getRandomValues(new Uint8Array(1000)).fill(0, 0, 1));
    const initial = crypto.getRandomValues(new Uint8Array(1200));
    initial.set([0xc3, 0, 0, 0, 1, 8], 0);
    await send(300, initial);
    await using one = await Http3Client.connect(port);
    expect((await one.get("/")).status).toBe(200);
    await using two = await Http3Client.connect(port);
    expect((await two.get("/")).status).toBe(200);
    await using three = await Http3Client.connect(port);
    await waitFor("the end of the third", () => three.isClosed);
    await two[Symbol.asyncDispose]();
    await waitFor("one connection to be over", async () => (await driver.nextStatus()).connections === 1);
    expect(driver.residentBytes() - before).toBeLessThan(60 * 1024 ** 2);
    expect(driver.log()).toContain("50 UDP flows are open in this process");
    expect(driver.log()).toContain("listener http from 127.0.0.1 has 2, all it may have");
  });

  test("takes nobody for the client whose address a packet bears in the middle of a handshake", async () => {
    using origin = apps();
    const port = freePort();
    await using _ = await ProxyDriver.start(planOn(port, origin.port ?? 0));
    let answers = 0;
    let isStrayed = false;
    let clientPort = 0;
    const back = (bytes: Buffer): void => {
      answers += 1;
      between.send(bytes, clientPort, "127.0.0.1");
    };
    const [own, others] = await Promise.all(
      ["127.0.0.1", "127.0.0.2"].map((from) => leaving(from, port, back)),
    );
    const between = await Bun.udpSocket({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data: (_socket, bytes, from) => {
          clientPort = from;
          const strays = answers > 0 && !isStrayed;
          if (strays) isStrayed = true;
          (strays ? others : own)?.send(bytes);
        },
      },
    });
    try {
      await using client = await Http3Client.connect(between.port);
      expect((await client.get("/")).body).toBe("GET for 127.0.0.1");
      expect(isStrayed).toBe(true);
    } finally {
      for (const socket of [between, own, others]) socket?.close();
    }
  });

  test("carries a WebSocket (RFC 9220)", async () => {
    await using origin = new RawServer((connection, bytes) => {
      const key = /sec-websocket-key: ([^\r]+)/i.exec(bytes)?.[1];
      const accept = `Sec-WebSocket-Accept: ${webSocketAccept(key ?? "")}`;
      const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket";
      connection.send(key === undefined ? `<${bytes}>` : `${switching}\r\n${accept}\r\n\r\n`);
      if (key === undefined) connection.socket.shutdown();
    });
    const port = freePort();
    await using _ = await ProxyDriver.start(planOn(port, origin.port));
    await using client = await Http3Client.connect(port);
    const asked = { ":method": "CONNECT", ":protocol": "websocket", "sec-websocket-version": "13" };
    const chat = await client.ask("/chat", asked, { sends: true });
    await waitFor("the head", () => chat.status === 200);
    chat.send("hello");
    await waitFor("the echo", () => chat.body === "<hello>");
    await waitForLog("GET /chat HTTP/3.0 101");
    chat.stream.writer.endSync();
    await waitFor("the end", () => chat.hasEnded);
  });
});
