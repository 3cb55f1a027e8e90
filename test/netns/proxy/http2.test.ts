import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { errorCode, flag, frameType, numberFrame, settingsFrame } from "../../../src/proxy/http2/frames.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { runCommand } from "../../support/lab-command.ts";
import { waitFor } from "../../support/lab.ts";
import {
  freePort,
  listener,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { RawHttp2Client, type CameFrame } from "../../support/raw-http2.ts";
import { answering, ask, RawClient, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const folder = mkdtempSync(join(tmpdir(), "edge-ha-http2-"));
const at = (name: string): string => join(folder, name);

beforeAll(() => makeCertificates(folder, ["shop.example"]));
afterAll(() => rmSync(folder, { recursive: true }));

function planOn(port: number, originPort: number, more: Partial<ProxyPlan> = {}): ProxyPlan {
  const listeners = [listener(port, { http2: true })];
  return simplePlan(port, [upstreamServer(originPort)], { listeners, ...more });
}

async function run(...words: readonly string[]): Promise<string> {
  const { stderr, stdout } = await runCommand([...words]);
  return stdout + stderr;
}

function isLastData(frame: CameFrame): boolean {
  return frame.type === frameType.data && (frame.flags & flag.endStream) !== 0;
}

async function withClient(
  origin: RawServer,
  run: (client: RawHttp2Client, driver: ProxyDriver, port: number) => Promise<void>,
): Promise<void> {
  const port = freePort();
  await using _origin = origin;
  await using driver = await ProxyDriver.start(planOn(port, origin.port));
  await using client = await RawHttp2Client.connect(port);
  await run(client, driver, port);
  expect(driver.log()).toBe("");
}

describe("HTTP/2", () => {
  test("is spoken with curl, nghttp and h2load, under TLS and in clear text, beside HTTP/1.1 on the same port", async () => {
    const echo = Bun.serve({
      port: 0,
      maxRequestBodySize: 2 ** 30,
      fetch: async (request) => {
        if (request.method === "POST") return new Response(await request.arrayBuffer());
        return new Response("hello", {
          headers: { "X-Proto": request.headers.get("x-forwarded-proto") ?? "" },
        });
      },
    });
    const clear = freePort();
    const port = freePort();
    const certificates = [{ certificate: at("shop.example.pem"), key: at("shop.example.key") }];
    const tls = { certificates, minVersion: "1.2", ciphers: null, clients: null } as const;
    const plan = planOn(clear, echo.port ?? 0);
    const sockets = [{ address: "127.0.0.1", port }];
    await using _driver = await ProxyDriver.start({
      ...plan,
      listeners: [...plan.listeners, { ...listener(port, { http2: true, tls }), name: "tls", sockets }],
      sites: [site(["*"], [route("/", "apps")], { listeners: ["http", "tls"] })],
    });
    const secure = `https://127.0.0.1:${port}/`;
    const plain = `http://127.0.0.1:${clear}/`;
    const told = ["-s", "-w", " %{http_version} %header{x-proto}"];
    expect(await run("curl", ...told, "-k", "--http2", secure)).toBe("hello 2 https");
    expect(await run("curl", ...told, "-k", "--http1.1", secure)).toBe("hello 1.1 https");
    expect(await run("curl", ...told, "--http2-prior-knowledge", plain)).toBe("hello 2 http");
    expect(await run("curl", ...told, "--http1.1", plain)).toBe("hello 1.1 http");
    // An upgrade in clear text is never taken (RFC 9113 §3.1).
    expect(await run("curl", ...told, "--http2", plain)).toBe("hello 1.1 http");
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    writeFileSync(at("body"), Buffer.concat(Array.from({ length: 64 }, () => bytes)));
    for (const words of [
      ["-k", "--http2", "--data-binary", `@${at("body")}`, secure],
      ["--http2-prior-knowledge", "-X", "POST", "-T", at("body"), plain],
    ]) {
      await run("curl", "-s", "-o", at("answer"), ...words);
      expect(await run("cmp", at("body"), at("answer"))).toBe("");
    }
    expect(await run("nghttp", "-nv", secure)).toContain(":status: 200");
    expect(await run("h2load", "-c8", "-m16", "-n4000", secure)).toContain("4000 succeeded, 0 failed");
    expect(await run("h2load", "-c2", "-m100", "-n4000", plain)).toContain("4000 succeeded, 0 failed");
    await echo.stop(true);
  });

  test("answers requests of one connection side by side, each as it is ready", async () => {
    const origin = new RawServer((connection) => {
      if (!connection.received.includes("/slow"))
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfast");
    });
    await withClient(origin, async (client) => {
      client.request(1, { ":path": "/slow" });
      client.request(3, { ":path": "/fast" });
      expect(await client.status(3)).toBe("200");
      const slow = origin.connections.find(({ received }) => received.includes("/slow"));
      slow?.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nslow\r\n0\r\n\r\n");
      expect(await client.status(1)).toBe("200");
      await waitFor("the body", () => client.body(1).toString() === "slow");
      expect(client.body(3).toString()).toBe("fast");
      expect(origin.received()).toContain("Via: 1.1 edge-ha\r\n");
    });
  });

  test("keeps to the windows of its client, and goes on when they open (RFC 9113 §5.2)", async () => {
    const body = "b".repeat(200_000);
    const origin = new RawServer(answering(body));
    await withClient(origin, async (client) => {
      client.send(settingsFrame([[4, 10_000]]));
      client.request(1);
      await waitFor("10,000 bytes", () => client.body(1).length === 10_000);
      client.send(numberFrame(frameType.windowUpdate, 1, 90_000));
      await waitFor("the connection's window", () => client.body(1).length === 65_535);
      client.send(numberFrame(frameType.windowUpdate, 0, 500_000));
      await waitFor("100,000 bytes", () => client.body(1).length === 100_000);
      client.send(numberFrame(frameType.windowUpdate, 1, 500_000));
      await client.expect("the end", isLastData);
      expect(client.body(1).toString()).toBe(body);
    });
  });

  test("shows a response that breaks off as one (RFC 9113 §8.1)", async () => {
    const origin = new RawServer((connection) => {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      connection.socket.end();
    });
    await withClient(origin, async (client) => {
      client.request(1);
      expect(await client.resetCode(1)).toBe(errorCode.internal);
      expect(client.body(1).toString()).toBe("half");
    });
  });

  test("passes the trailers of a response without a body, though all of it comes at once", async () => {
    const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 7\r\n\r\n";
    await withClient(new RawServer((connection) => connection.send(chunked)), async (client) => {
      client.request(1);
      const { flags } = await client.expect("trailers", ({ fields }) => fields["x-sum"] === "7");
      expect(flags & flag.endStream).toBe(flag.endStream);
    });
  });

  test("resets a malformed request and serves the next one (RFC 9113 §8.1.1)", async () => {
    const origin = new RawServer(answering("hello"));
    await withClient(origin, async (client) => {
      client.request(1, { Accept: "x" });
      client.request(3, { connection: "close" });
      client.request(5, { "content-length": "3" }, false);
      client.frame(frameType.data, flag.endStream, 5, Buffer.from("four"));
      client.request(7, { "content-length": "9" }, false);
      client.frame(frameType.data, flag.endStream, 7, Buffer.from("four"));
      for (const stream of [1, 3, 5, 7]) expect(await client.resetCode(stream)).toBe(errorCode.protocol);
      client.request(9);
      expect(await client.status(9)).toBe("200");
      client.request(11, { ":path": "/../x" });
      expect(await client.status(11)).toBe("400");
    });
  });

  test("refuses what is too large: a list of fields with 431, a body with 413", async () => {
    const origin = new RawServer(answering("hello"));
    const port = freePort();
    await using _origin = origin;
    const plan = planOn(port, origin.port);
    await using _driver = await ProxyDriver.start({
      ...plan,
      sites: [site(["*"], [route("/", "apps", { maxBodyBytes: 10 })])],
    });
    await using client = await RawHttp2Client.connect(port);
    client.request(1, { "x-large": "v".repeat(9000) });
    expect(await client.status(1)).toBe("200");
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x-${index}`, "1"]));
    client.request(3, many);
    expect(await client.status(3)).toBe("431");
    client.request(5, {}, false);
    client.frame(frameType.data, 0, 5, Buffer.alloc(100));
    expect(await client.status(5)).toBe("413");
    client.request(7);
    expect(await client.status(7)).toBe("200");
  });

  test("answers before the body has come, lets the rest of it come, and resets the stream only where there is much more (RFC 9113 §8.1)", async () => {
    const port = freePort();
    await using origin = new RawServer(answering("hello"));
    const plan = planOn(port, origin.port);
    await using _driver = await ProxyDriver.start({ ...plan, sites: [site(["a"], [route("/", "apps")])] });
    await using client = await RawHttp2Client.connect(port);
    const elsewhere = { ":authority": "b", ":method": "POST" };
    client.request(1, elsewhere, false);
    expect(await client.status(1)).toBe("404");
    client.frame(frameType.data, 0, 1, Buffer.alloc(10_000));
    client.frame(frameType.data, flag.endStream, 1, Buffer.alloc(10_000));
    client.request(3, elsewhere, false);
    expect(await client.status(3)).toBe("404");
    for (let sent = 0; sent <= 256 * 1024; sent += 16_384)
      client.frame(frameType.data, 0, 3, Buffer.alloc(16_384));
    expect(await client.resetCode(3)).toBe(errorCode.none);
    expect(client.frames.filter(({ type }) => type === frameType.resetStream)).toHaveLength(1);
    client.request(5);
    expect(await client.status(5)).toBe("200");
  });

  test("serves so many streams at once and refuses the others (RFC 9113 §5.1.2)", async () => {
    const origin = new RawServer(() => undefined);
    await withClient(origin, async (client) => {
      for (let stream = 1; stream < 2 * 130; stream += 2) client.request(stream);
      expect(await client.resetCode(257)).toBe(errorCode.refusedStream);
      expect(await client.resetCode(259)).toBe(errorCode.refusedStream);
      expect(client.frames.filter(({ type }) => type === frameType.resetStream)).toHaveLength(2);
    });
  });

  test("says GOAWAY to a client when the process drains, and finishes what has begun", async () => {
    const origin = new RawServer(() => undefined);
    const port = freePort();
    await using _origin = origin;
    await using driver = await ProxyDriver.start(planOn(port, origin.port));
    await using client = await RawHttp2Client.connect(port);
    client.request(1);
    await waitFor("the request", () => origin.received() !== "");
    driver.send({ kind: "drain", deadlineMs: 20_000 });
    expect(await client.goAwayCode()).toBe(errorCode.none);
    origin.connections[0]?.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    expect(await client.status(1)).toBe("200");
    await waitFor("the end of the connection", () => client.isClosed);
    expect(await driver.exited).toBe(0);
  });
});

describe("a client that breaks the rules of HTTP/2", () => {
  const data = Buffer.alloc(10);
  const cases: readonly (readonly [what: string, code: number, act: (client: RawHttp2Client) => void])[] = [
    ["DATA on an idle stream", errorCode.protocol, (c) => c.frame(frameType.data, 0, 1, data)],
    ["DATA on stream 0", errorCode.protocol, (c) => c.frame(frameType.data, 0, 0, data)],
    ["HEADERS on an even stream", errorCode.protocol, (c) => c.request(2)],
    [
      "a frame that is too large",
      errorCode.frameSize,
      (c) => c.frame(frameType.data, 0, 1, Buffer.alloc(16_385)),
    ],
    [
      "a broken header block",
      errorCode.compression,
      (c) => c.frame(frameType.headers, flag.endHeaders, 1, Buffer.from([0x80])),
    ],
    ["PUSH_PROMISE", errorCode.protocol, (c) => c.frame(frameType.pushPromise, 0, 1, data)],
    ["SETTINGS of a wrong length", errorCode.frameSize, (c) => c.frame(frameType.settings, 0, 0, data)],
    [
      "a window that is too large",
      errorCode.flowControl,
      (c) => c.send(numberFrame(frameType.windowUpdate, 0, 0x7fff_ffff)),
    ],
    [
      "a window that does not grow",
      errorCode.protocol,
      (c) => c.send(numberFrame(frameType.windowUpdate, 0, 0)),
    ],
    [
      "a frame amid a header block",
      errorCode.protocol,
      (c) => {
        c.frame(frameType.headers, 0, 1, c.block([[":method", "GET"]]));
        c.frame(frameType.ping, 0, 0, Buffer.alloc(8));
      },
    ],
    [
      "more padding than there is",
      errorCode.protocol,
      (c) => c.frame(frameType.headers, flag.padded | flag.endHeaders, 1, Buffer.from([9, 0x82])),
    ],
    [
      "a flood of CONTINUATION",
      errorCode.enhanceYourCalm,
      (c) => {
        c.frame(frameType.headers, 0, 1, c.block([[":method", "GET"]]));
        for (let count = 0; count < 100; count++) c.frame(frameType.continuation, 0, 1, Buffer.alloc(1));
      },
    ],
    [
      "a flood of PING",
      errorCode.enhanceYourCalm,
      (c) => {
        for (let count = 0; count < 3000; count++) c.frame(frameType.ping, 0, 0, Buffer.alloc(8));
      },
    ],
    [
      "a flood of SETTINGS",
      errorCode.enhanceYourCalm,
      (c) => {
        for (let count = 0; count < 3000; count++) c.frame(frameType.settings, 0, 0);
      },
    ],
    [
      "a flood of empty DATA",
      errorCode.enhanceYourCalm,
      (c) => {
        c.request(1, {}, false);
        for (let count = 0; count < 3000; count++) c.frame(frameType.data, 0, 1);
      },
    ],
    [
      "requests that it resets at once",
      errorCode.enhanceYourCalm,
      (c) => {
        for (let stream = 1; stream < 6000; stream += 2) {
          c.request(stream);
          c.send(numberFrame(frameType.resetStream, stream, errorCode.cancel));
        }
      },
    ],
  ];
  test("is told which, and let go", async () => {
    const origin = new RawServer(() => undefined);
    const port = freePort();
    await using _origin = origin;
    await using driver = await ProxyDriver.start(planOn(port, origin.port));
    for (const [what, code, act] of cases) {
      await using client = await RawHttp2Client.connect(port);
      act(client);
      expect([what, await client.goAwayCode()]).toEqual([what, code]);
      await waitFor(`the end after ${what}`, () => client.isClosed);
    }
    await waitFor("no open connection", async () => (await driver.nextStatus()).connections === 0);
    expect(driver.log()).toBe("");
  });

  test("is not waited for if it does not read", async () => {
    const origin = new RawServer(answering("b".repeat(1_000_000)));
    await withClient(origin, async (client, driver) => {
      client.pause();
      client.send(numberFrame(frameType.windowUpdate, 0, 0x4000_0000));
      client.send(settingsFrame([[4, 0x4000_0000]]));
      const before = driver.residentBytes();
      for (let stream = 1; stream < 2 * 100; stream += 2) client.request(stream);
      await waitFor("requests", () => origin.connections.length > 20);
      await Bun.sleep(500);
      expect(driver.residentBytes() - before).toBeLessThan(100 * 1024 ** 2);
    });
  });

  test("that speaks HTTP/1.1 slowly is heard all the same", async () => {
    const origin = new RawServer(answering("hello"));
    await withClient(origin, async (_client, _driver, port) => {
      await using slow = await RawClient.connect(port);
      await slow.sendSlowly("PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      expect(await slow.expectEnd()).toEndWith("hello");
      expect(await ask(port, "PRI / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).toEndWith("hello");
    });
  });
});
