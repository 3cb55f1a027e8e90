import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../../support/lab.ts";
import { Crowd } from "../../support/crowd.ts";
import {
  freePort,
  listener,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { answering, ask, RawClient, RawServer, type Script } from "../../support/raw-tcp.ts";

setDefaultTimeout(60_000);

const kept = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
const upgrade =
  "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const switching =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/** Answers each piece that ends a head; what a piece holds more of is nobody's here. */
const brief: Script = (connection, bytes) => void (bytes.endsWith("\r\n\r\n") && connection.send(ok));

/** Answers before the body has come. */
const hasty: Script = (connection) => {
  if (connection.sent !== undefined) return;
  connection.sent = 1;
  connection.send(ok);
};

const silentButOnce: Script = (connection, bytes) =>
  void (bytes.startsWith("GET /ok ") && connection.send(ok));

const echoing: Script = (connection, bytes) =>
  connection.send(bytes.startsWith("GET") ? switching : `<${bytes}>`);

async function behind(
  script: Script,
  run: (port: number, origin: RawServer, driver: ProxyDriver) => Promise<void>,
  headTimeoutMs = 60_000,
): Promise<void> {
  const port = freePort();
  await using origin = new RawServer(script);
  const sites = [site(["*"], [route("/", "apps", { readTimeoutMs: 2000, sendTimeoutMs: 2000 })])];
  const listeners = [listener(port, { headTimeoutMs })];
  const plan = simplePlan(port, [upstreamServer(origin.port)], { sites, listeners });
  await using driver = await ProxyDriver.start(plan);
  await run(port, origin, driver);
  expect(driver.log()).toBe("");
}

describe("clients", () => {
  test("that hold 10,000 idle connections are all still served", async () => {
    await behind(brief, async (port, _origin, driver) => {
      await ask(port, get);
      const before = driver.residentBytes();
      await using crowd = await Crowd.open(port, 10_000);
      await crowd.ask(kept, "\r\n\r\nhello");
      const each = (driver.residentBytes() - before) / 10_000;
      console.log(`${(each / 1024).toFixed(1)} KiB of memory for each idle connection`);
      expect(await ask(port, get)).toEndWith("hello");
      await crowd.ask(kept, "\r\n\r\nhello");
      expect(crowd.open).toBe(10_000);
      crowd.cut();
      await waitFor("no open connection", async () => (await driver.nextStatus()).connections === 0);
    });
  });

  test("that begin heads and never end them are let go, and others are served meanwhile", async () => {
    await behind(
      answering("hello"),
      async (port, origin, driver) => {
        // Each begins at once: one that says nothing in time is let go without an answer.
        await using crowd = await Crowd.open(port, 1000, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ");
        for (let round = 0; round < 10; round++) expect(await ask(port, get)).toEndWith("hello");
        await waitFor("no slow client", () => crowd.open === 0);
        expect(origin.received()).not.toContain("X-Slow");
        expect((await driver.nextStatus()).responses["4xx"]).toBe(1000);
      },
      4_000,
    );
  });

  test("that reset amid a body have their request cut at the server", async () => {
    await behind(
      () => undefined,
      async (port, origin, driver) => {
        await using crowd = await Crowd.open(port, 100);
        crowd.send(`${post}${"x".repeat(1000)}`);
        await waitFor(
          "the bodies",
          () => origin.connections.filter(({ received }) => received.endsWith("x")).length === 100,
        );
        crowd.cut();
        await waitFor("the end at the server", () => origin.connections.every(({ isClosed }) => isClosed));
        await waitFor("no open connection", async () => (await driver.nextStatus()).connections === 0);
      },
    );
  });

  test("that send an urgent byte amid a head are answered: a read stops in front of it", async () => {
    const script = [
      "import socket, sys",
      "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))",
      "s.send(b'GET / HTTP/1.1\\r\\nHost: a\\r\\nX: ')",
      "s.send(b'!', socket.MSG_OOB)",
      "s.send(b'b\\r\\nConnection: close\\r\\n\\r\\n')",
      "print(s.recv(65536).decode())",
    ].join("\n");
    await behind(brief, async (port) => {
      const client = Bun.spawn(["python3", "-c", script, String(port)], { stderr: "inherit" });
      expect(await new Response(client.stdout).text()).toStartWith("HTTP/1.1 200 OK");
    });
  });

  test("that end their half amid a head or a body are let go, and no server takes it for a request", async () => {
    await behind(brief, async (port, origin) => {
      for (const text of ["GE", kept.slice(0, -2), `${post.replace("1000000", "5")}abc`]) {
        await using client = await RawClient.connect(port);
        client.send(text);
        await Bun.sleep(20); // so that it arrives before the end does, one of the two orders
        client.shutdown();
        expect(await client.expectEnd()).not.toContain("200 OK");
      }
      expect(origin.received()).not.toContain("GET");
    });
  });
});

describe("servers", () => {
  test("that answer before the body has ended are heard, however much the client has still to send", async () => {
    await behind(hasty, async (port) => {
      for (let round = 0; round < 10; round++) {
        await using client = await RawClient.connect(port);
        client.send(post);
        client.send("x".repeat(500_000));
        await client.expect("Connection: close\r\n\r\nhello");
      }
      expect(await ask(port, get)).toEndWith("hello");
    });
  });

  const lies: readonly (readonly [what: string, said: string, cuts: boolean])[] = [
    ["fewer bytes than their length, and a reset", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", true],
    [
      "a chunk that does not end, and a reset",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
      true,
    ],
    ["a body that ends with the connection, and a reset", "HTTP/1.1 200 OK\r\n\r\nhello", true],
    [
      "fewer bytes than their length, and nothing more",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
      false,
    ],
  ];
  for (const [what, said, cuts] of lies) {
    test(`that send ${what} leave no answer that looks whole`, async () => {
      await behind(
        (connection) => {
          connection.send(said);
          if (cuts) setTimeout(() => connection.socket.terminate(), 50);
        },
        async (port) => {
          const answer = await ask(port, kept);
          expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*hello/);
          expect(answer).not.toMatch(/0\r\n\r\n$/);
        },
      );
    });
  }

  test("that send more bytes than their length are not asked again over that connection", async () => {
    await behind(
      (connection) => connection.send(`${ok}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`),
      async (port, origin) => {
        const answer = await ask(port, kept.repeat(5) + get);
        expect(answer).not.toContain("evil");
        expect(answer.match(/hello/g)).toHaveLength(6);
        expect(origin.connections).toHaveLength(6);
      },
    );
  });

  test("that reset each connection they are asked over get a GET and no POST twice", async () => {
    await behind(
      (connection) => connection.socket.terminate(),
      async (port, origin) => {
        expect(await ask(port, get)).toStartWith("HTTP/1.1 502");
        const sent = get.replace("GET", "POST").replace("Connection", "Content-Length: 1\r\nConnection");
        expect(await ask(port, `${sent}x`)).toStartWith("HTTP/1.1 502");
        expect(origin.received().match(/POST/g)).toHaveLength(1);
      },
    );
  });

  test("that accept and never answer cost their clients a 504 each, and the others nothing", async () => {
    await behind(silentButOnce, async (port) => {
      await using crowd = await Crowd.open(port, 500);
      crowd.send(kept);
      for (let round = 0; round < 10; round++)
        expect(await ask(port, get.replace("/", "/ok"))).toEndWith("hello");
      await crowd.expectAll("504 Gateway Timeout\n");
    });
  });
});

describe("a reload", () => {
  test("leaves 1,000 WebSockets as they are", async () => {
    const port = freePort();
    await using old = new RawServer(echoing);
    await using next = new RawServer(answering("new"));
    await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(old.port)]));
    await using crowd = await Crowd.open(port, 1000);
    crowd.send(upgrade);
    await crowd.expectAll("\r\n\r\n");
    for (const server of [next, old, next]) {
      await driver.configure(simplePlan(port, [upstreamServer(server.port)]));
      crowd.send("message");
      await crowd.expectAll("<message>");
    }
    expect(await ask(port, get)).toEndWith("new");
    expect(crowd.open).toBe(1000);
  });
});
