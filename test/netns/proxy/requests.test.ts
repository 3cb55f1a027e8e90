import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  freePort,
  listener,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { waitFor } from "../../support/lab.ts";
import { answering, ask, converse, RawClient, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const close = "Connection: close\r\n";

async function withProxy(
  origin: RawServer,
  run: (port: number, driver: ProxyDriver) => Promise<void>,
  more: Parameters<typeof simplePlan>[2] = {},
): Promise<void> {
  const port = freePort();
  await using _origin = origin;
  await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)], more));
  await run(port, driver);
  expect(driver.log()).toBe("");
}

describe("a malformed request", () => {
  const requests: readonly (readonly [what: string, text: string, status: number])[] = [
    [
      "Content-Length with Transfer-Encoding",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n",
      400,
    ],
    ["a bare line feed", "GET / HTTP/1.1\nHost: a\n\n", 400],
    ["obs-fold", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400],
    ["a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
    ["the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
    ["TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405],
    ["CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n", 405],
    ["a target too long", `GET /${"a".repeat(9000)}`, 414],
    ["a head too large", `GET / HTTP/1.1\r\nX: ${"a".repeat(20_000)}`, 431],
    ["a path above the root", "GET /../x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400],
    ["many empty lines", "\r\n".repeat(10), 400],
  ];
  test("gets its answer, its connection is closed and no server sees it", async () => {
    await withProxy(new RawServer(answering("hello")), async (port, driver) => {
      for (const [what, text, status] of requests) {
        const answer = await ask(port, text);
        expect(`${what}: ${answer.slice(0, 12)}`).toBe(`${what}: HTTP/1.1 ${status}`);
        expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
        expect(answer).toContain("Connection: close\r\n");
      }
      expect((await driver.nextStatus()).requests).toBe(requests.length);
      const answer = await ask(port, `GET / HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
      expect(answer).toEndWith("hello");
    });
  });

  test("reaches no server even where its first part would do", async () => {
    const origin = new RawServer(answering("hello"));
    await withProxy(origin, async (port) => {
      for (const [, text] of requests) await ask(port, text);
      expect(origin.received()).toBe("");
    });
  });

  test("with a malformed chunk gets 400 and its server no complete request", async () => {
    const origin = new RawServer(() => undefined);
    await withProxy(origin, async (port) => {
      const bodies = [
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "5;\n\r\nhello\r\n0\r\n\r\n",
      ];
      for (const body of bodies) {
        const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        expect(await ask(port, `${head}${body}GET /evil HTTP/1.1\r\nHost: a\r\n\r\n`)).toStartWith(
          "HTTP/1.1 400",
        );
      }
      expect(origin.received()).not.toContain("evil");
      expect(origin.received()).not.toContain("0\r\n\r\n");
    });
  });

  test("that follows a good one is answered behind it", async () => {
    await withProxy(new RawServer(answering("hello")), async (port) => {
      const answer = await ask(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n");
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK[^]*helloHTTP\/1\.1 400 /);
    });
  });
});

describe("a request", () => {
  test("reaches the server the same however it is cut", async () => {
    const origin = new RawServer((connection) => {
      if (connection.received.endsWith("0\r\n\r\n"))
        connection.send("HTTP/1.1 204 Done\r\nConnection: close\r\n\r\n");
    });
    await withProxy(origin, async (port) => {
      await using client = await RawClient.connect(port);
      await client.sendSlowly(
        "\r\nPOST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      );
      await client.expect("HTTP/1.1 204 Done\r\n");
      const [head = "", ...body] = origin.received().split("\r\n\r\n");
      expect(head).toStartWith("POST /x HTTP/1.1\r\nHost: a\r\n");
      expect(body.join("").replaceAll(/\r\n|^\d/g, "")).toContain("a");
    });
  });

  test("sent ahead of others is answered in order, over one connection to the server", async () => {
    const origin = new RawServer((connection, bytes) => {
      const path = /^GET (\S+)/.exec(bytes)?.[1] ?? "";
      const delay = path === "/1" ? 100 : 0;
      setTimeout(() => connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${path}`), delay);
    });
    await withProxy(origin, async (port) => {
      const requests = [1, 2, 3].map((n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n${n === 3 ? close : ""}\r\n`);
      const answer = await ask(port, requests.join(""));
      expect(answer.match(/\/\d/g)?.filter((part) => !part.includes("HTTP"))).toEqual([
        "/1",
        "/1",
        "/1",
        "/2",
        "/1",
        "/3",
      ]);
      expect(origin.connections).toHaveLength(1);
    });
  });

  test("of HTTP/1.0 gets no chunks and its connection is closed", async () => {
    const chunks = "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    const origin = new RawServer((connection) => connection.send(`HTTP/1.1 200 OK\r\n${chunks}`));
    await withProxy(origin, async (port) => {
      const answer = await ask(port, "GET / HTTP/1.0\r\n\r\n");
      expect(answer).toBe("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde");
      expect(origin.received()).toContain(`Host: 127.0.0.1:${port}\r\n`);
    });
  });

  test("that expects 100 gets it, and its server no Expect", async () => {
    const origin = new RawServer((connection) => {
      if (connection.received.endsWith("body"))
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    await withProxy(origin, async (port) => {
      await using client = await RawClient.connect(port);
      client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n${close}\r\n`);
      await client.expect("HTTP/1.1 100 Continue\r\n\r\n");
      client.send("body");
      expect(await client.expectEnd()).toContain("HTTP/1.1 200 OK");
      expect(origin.received()).not.toMatch(/expect/i);
    });
  });

  test("larger than the limit gets 413, by its length at once and in chunks as they come", async () => {
    const origin = new RawServer(() => undefined);
    const sites = [site(["*"], [route("/", "apps", { maxBodyBytes: 10 })])];
    const run = async (port: number): Promise<void> => {
      const byLength = await ask(
        port,
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n",
      );
      expect(byLength).toStartWith("HTTP/1.1 413");
      expect(origin.received()).toBe("");
      await using client = await RawClient.connect(port);
      client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n");
      await waitFor("the first chunk at the server", () => origin.received().includes("12345678"));
      client.send("8\r\n12345678\r\n");
      expect(await client.expectEnd()).toStartWith("HTTP/1.1 413");
      await waitFor("the end of the half request", () =>
        origin.connections.every(({ isClosed }) => isClosed),
      );
    };
    await withProxy(origin, run, { sites });
  });

  test("of OPTIONS that may go no further is answered here (RFC 9110 §7.6.2)", async () => {
    const origin = new RawServer(answering("hello"));
    await withProxy(origin, async (port) => {
      const answer = await ask(port, `OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n${close}\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK[^]*Allow: GET/);
      expect(origin.received()).toBe("");
    });
  });

  test("for an unknown host or path gets 404, and its connection stays", async () => {
    const sites = [site(["a.example"], [route("/app", "apps")])];
    const origin = new RawServer(answering("hello"));
    const run = async (port: number): Promise<void> => {
      await using client = await RawClient.connect(port);
      client.send("GET /app HTTP/1.1\r\nHost: b.example\r\n\r\nGET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
      client.send(
        `HEAD /x HTTP/1.1\r\nHost: a.example\r\n\r\nGET /app HTTP/1.1\r\nHost: a.example\r\n${close}\r\n`,
      );
      const answer = await client.expectEnd();
      const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
      expect(statuses).toEqual(["404", "404", "404", "200"]);
      expect(answer.match(/404 Not Found\n/g)).toHaveLength(2);
      expect(origin.connections).toHaveLength(1);
    };
    await withProxy(origin, run, { sites });
  });
});

describe("a slow client", () => {
  test("gets 408 when its head is not complete in time, however busily it sends", async () => {
    const port = freePort();
    const listeners = [listener(port, { headTimeoutMs: 1_000 })];
    await using driver = await ProxyDriver.start(simplePlan(port, [], { listeners }));
    await using client = await RawClient.connect(port);
    const timer = setInterval(() => client.send("X: 1\r\n"), 50);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n");
    expect(await client.expectEnd()).toStartWith("HTTP/1.1 408");
    clearInterval(timer);
    expect(driver.log()).toBe("");
  });

  test("is let go without a word when it is idle too long", async () => {
    const port = freePort();
    await using origin = new RawServer(answering("hello"));
    await using _driver = await ProxyDriver.start(
      simplePlan(port, [upstreamServer(origin.port)], {
        listeners: [listener(port, { headTimeoutMs: 1_000, idleTimeoutMs: 1_000 })],
      }),
    );
    expect(await ask(port, "")).toBe("");
    expect(await ask(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).toEndWith("\r\n\r\nhello");
  });

  test("that sends requests and reads no answers is not read from either", async () => {
    const body = "x".repeat(64 * 1024);
    await withProxy(new RawServer(answering(body)), async (port, driver) => {
      await using client = await RawClient.connect(port);
      client.pause();
      let answered = 0;
      for (let round = 0; round < 40; round++) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000));
        if (round % 20 === 19) await driver.nextStatus();
      }
      answered = (await driver.nextStatus()).requests;
      expect(answered).toBeLessThan(1000);
      expect(driver.residentBytes()).toBeLessThan(200 * 1024 * 1024);
      client.resume();
      await waitFor("more answers", async () => (await driver.nextStatus()).requests > answered);
    });
  });

  test("that ends its half behind the request still gets its answer", async () => {
    const origin = new RawServer((connection) => {
      setTimeout(() => connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), 100);
    });
    await withProxy(origin, async (port) => {
      await using client = await RawClient.connect(port);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      client.shutdown();
      expect(await client.expectEnd()).toEndWith("hello");
    });
  });

  test("that ends its half behind a body still gets its answer, and none behind half a body", async () => {
    const origin = new RawServer((connection) => {
      if (connection.received.endsWith("0\r\n\r\n")) connection.send("HTTP/1.1 204 Done\r\n\r\n");
    });
    await withProxy(origin, async (port) => {
      const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
      for (let round = 0; round < 20; round++)
        expect(await converse(port, `${head}3\r\nabc\r\n0\r\n\r\n`)).toStartWith("HTTP/1.1 204 Done");
      expect(await converse(port, `${head}3\r\nabc\r\n`)).toBe("");
      await waitFor("the end at the server", () => origin.connections.at(-1)?.isClosed === true);
    });
  });
});
