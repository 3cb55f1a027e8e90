import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UpstreamPlan } from "../../../src/config/http-plan.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { waitFor } from "../../support/lab.ts";
import {
  freePort,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstream,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { answering, ask, RawClient, RawServer } from "../../support/raw-tcp.ts";
import { deafenListener } from "../../support/tcp-table.ts";

setDefaultTimeout(30_000);

const folder = mkdtempSync(join(tmpdir(), "edge-ha-upstream-"));
const at = (name: string): string => join(folder, name);

beforeAll(() => makeCertificates(folder, ["apps.example"]));
afterAll(() => rmSync(folder, { recursive: true }));

type Answer = (stream: ServerHttp2Stream, path: string) => void;

async function listening(server: Http2Server, answer: Answer): Promise<number> {
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    answer(stream as ServerHttp2Stream, String(headers[":path"]));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function plan(port: number, server: number, more: Partial<UpstreamPlan> = {}): ReturnType<typeof simplePlan> {
  const upstreams = [{ ...upstream("apps", [upstreamServer(server)]), http2: true, ...more }];
  return simplePlan(port, [], { upstreams });
}

async function get(port: number, path = "/"): Promise<string> {
  const answer = await ask(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  return `${answer.slice(9, 12)} ${answer.slice(answer.indexOf("\r\n\r\n") + 4)}`;
}

/** HEADERS that end a stream with 204. */
function headers(stream: number): string {
  return `\0\0\x01\x01\x05\0\0\0${String.fromCharCode(stream)}\x89`;
}

/** SETTINGS with how many requests at once the server takes. */
function mostStreams(most: number): string {
  return `\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0${String.fromCharCode(most)}`;
}

const breaking: Answer = (stream, path) => {
  if (path === "/broken") stream.close(2);
  else if (path === "/half") {
    stream.respond({ ":status": 200, "content-length": "10" });
    stream.write("half");
    setTimeout(() => stream.close(2), 50);
  } else {
    stream.respond({ ":status": 200 });
    stream.end("fine");
  }
};

const echoingLate: Answer = (stream) => {
  stream.respond({ ":status": 200 });
  setTimeout(() => stream.pipe(stream), 50);
};

describe("a server that is spoken to in HTTP/2", () => {
  test.each([
    ["requests", { keepAliveRequests: 2 }],
    ["age", { keepAliveAgeMs: 200 }],
  ] as const)(
    "has a connection by its %s no longer than it may, and what is on it is finished",
    async (_, more) => {
      const sessions: { isClosed: boolean }[] = [];
      const server = createServer();
      server.on("session", (session) => {
        const one = { isClosed: false };
        sessions.push(one);
        session.on("close", () => void (one.isClosed = true));
      });
      const port = freePort();
      const held: ServerHttp2Stream[] = [];
      const answer: Answer = (stream, path) => {
        if (path === "/held") held.push(stream);
        else {
          stream.respond({ ":status": 200 });
          stream.end("ok");
        }
      };
      await using _driver = await ProxyDriver.start(plan(port, await listening(server, answer), more));
      const first = get(port, "/held");
      await waitFor("the held request", () => held.length === 1);
      const isAnswered = async (): Promise<boolean> => (await get(port)).startsWith("200");
      await waitFor("another connection", async () => (await isAnswered()) && sessions.length > 1);
      expect(sessions[0]).toEqual({ isClosed: false });
      held[0]?.respond({ ":status": 200 });
      held[0]?.end("late");
      expect(await first).toContain("late");
      await waitFor("the end of the first", () => sessions[0]?.isClosed === true);
      server.close();
    },
  );

  test("carries requests of several clients side by side on one connection", async () => {
    const sessions = new Set<unknown>();
    const server = createServer();
    server.on("session", (session) => sessions.add(session));
    const port = freePort();
    const held: ServerHttp2Stream[] = [];
    const answer: Answer = (stream, path) => {
      if (path !== "/held") stream.respond({ ":status": 200, "content-length": "2" });
      if (path === "/held") held.push(stream);
      else stream.end("ok");
    };
    await using driver = await ProxyDriver.start(plan(port, await listening(server, answer)));
    const first = get(port, "/held");
    await waitFor("the held request", () => held.length === 1);
    expect(await Promise.all([get(port), get(port), get(port)])).toEqual(["200 ok", "200 ok", "200 ok"]);
    held[0]?.respond({ ":status": 201 });
    held[0]?.end("late");
    expect(await first).toContain("201 ");
    expect(sessions.size).toBe(1);
    expect(driver.log()).toBe("");
    server.close();
  });

  test("gets bodies whole and sends them whole, at the pace of who is slower", async () => {
    const server = createServer();
    let came = 0;
    const port = freePort();
    const answer: Answer = (stream, path) => {
      stream.respond({ ":status": 200 });
      if (path === "/down") stream.end(Buffer.alloc(3_000_000, "d"));
      else
        stream
          .on("data", (bytes: Buffer) => void (came += bytes.length))
          .on("end", () => stream.end(`${came}`));
    };
    await using driver = await ProxyDriver.start(plan(port, await listening(server, answer)));
    await using slow = await RawClient.connect(port);
    slow.send("GET /down HTTP/1.1\r\nHost: a\r\n\r\n");
    await slow.expect("200 OK".slice(0, 3));
    slow.pause();
    await Bun.sleep(300);
    slow.resume();
    await waitFor("the whole body", () => slow.received.endsWith("\r\n0\r\n\r\n"));
    expect(slow.received.match(/d{1000}/g)?.length).toBeGreaterThan(2_900);
    await using client = await RawClient.connect(port);
    client.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
    for (let count = 0; count < 50; count++) {
      client.send("u".repeat(10_000));
      await Bun.sleep(1);
    }
    await client.expect("500000");
    expect(driver.log()).toBe("");
    server.close();
  });

  test("is asked again where it has refused a stream (RFC 9113 §8.7)", async () => {
    // The runtime's own server answers a stream it refuses with frames that break the rules.
    const refusal = "\0\0\x04\x03\0\0\0\0\x03\0\0\0\x07";
    await using origin = new RawServer((connection, bytes) => {
      if (bytes.startsWith("PRI ")) connection.send(`\0\0\0\x04\0\0\0\0\0${headers(1)}`);
      else if (bytes.includes("\x01\x05\0\0\0\x03")) connection.send(refusal);
      else if (bytes.includes("\x01\x05\0\0\0\x05")) connection.send(headers(5));
    });
    const port = freePort();
    await using _driver = await ProxyDriver.start(plan(port, origin.port));
    expect(await get(port)).toStartWith("204 ");
    expect(await get(port)).toStartWith("204 ");
    expect(origin.connections).toHaveLength(1);
  });

  test("gets what it has not looked at over another connection, bodies and all, and is blamed for nothing", async () => {
    const goAway = "\0\0\x08\x07\0\0\0\0\0\0\0\0";
    await using origin = new RawServer((connection, bytes) => {
      const has = (type: number, flags: number, stream: number): boolean =>
        bytes.includes(String.fromCharCode(type, flags, 0, 0, 0, stream));
      if (bytes.startsWith("PRI ")) connection.send("\0\0\0\x04\0\0\0\0\0");
      // It takes requests without a body, and one with a body as the first of a connection.
      for (const stream of [1, 3, 5]) if (has(1, 5, stream)) connection.send(headers(stream));
      if (has(0, 1, 1)) connection.send(headers(1));
      for (const stream of [3, 5])
        if (has(1, 4, stream)) connection.send(`${goAway}${String.fromCharCode(stream - 2)}\0\0\0\0`);
    });
    const on = ["connect", "closed", "timeout"] as const;
    const ejection = {
      on,
      failures: 1,
      windowMs: 60_000,
      timeMs: 60_000,
      mostTimeMs: 60_000,
      mostPercent: 100,
    };
    const port = freePort();
    await using driver = await ProxyDriver.start(plan(port, origin.port, { ejection }));
    const post = (body: string): Promise<string> =>
      ask(
        port,
        `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    for (const body of ["once more", "and again".repeat(1000)]) {
      expect(await get(port)).toStartWith("204 ");
      expect(await post(body)).toStartWith("HTTP/1.1 204 ");
      expect(origin.received().split(body)).toHaveLength(3);
    }
    expect(driver.log()).toBe("");
    await using slow = await RawClient.connect(port);
    slow.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nfirst ");
    const known = origin.connections.length;
    await waitFor(
      "another connection",
      () => origin.connections.at(known)?.received.includes("first ") === true,
    );
    slow.send("last.");
    await slow.expect("HTTP/1.1 204 ");
    expect(origin.connections[known]?.received).toContain("last.");
    expect(driver.log()).toBe("");
  });

  test("that goes away for good leaves no rest of a body to another server", async () => {
    await using other = new RawServer(() => undefined);
    const vanishing = createTcpServer((socket) => {
      socket
        .on("error", () => undefined)
        .on("data", (bytes) => {
          if (bytes.includes("first ")) vanishing.close();
          const goAway = "\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0";
          socket.write(bytes.includes("first ") ? goAway : "\0\0\0\x04\0\0\0\0\0", "latin1");
        });
    });
    await new Promise<void>((resolve) => void vanishing.listen(0, "127.0.0.1", resolve));
    const { port: first } = vanishing.address() as AddressInfo;
    const servers = [upstreamServer(first), upstreamServer(other.port, { isBackup: true })];
    const port = freePort();
    await using _driver = await ProxyDriver.start(plan(port, 0, { servers }));
    await using client = await RawClient.connect(port);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nfirst ");
    await client.expect("HTTP/1.1 502 ");
    expect(other.received()).toBe("");
  });

  for (const [what, body, answered] of [
    ["another server gets that in its stead", "short", "204"],
    ["which gets no request without its body", "long".repeat(5_000), "504"],
  ] as const) {
    test(`that goes away and cannot be reached again is given up in time: ${what}`, async () => {
      const settings = "\0\0\0\x04\0\0\0\0\0";
      const isWhole = (bytes: string): boolean => bytes.endsWith(body.slice(-4));
      await using leaving = new RawServer((connection, bytes) => {
        if (bytes.startsWith("PRI ")) connection.send(settings);
        if (!isWhole(bytes)) return;
        deafenListener(leaving.port);
        connection.send("\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0");
      });
      await using other = new RawServer((connection, bytes) => {
        if (bytes.startsWith("PRI ")) connection.send(settings);
        if (isWhole(bytes)) connection.send(headers(1));
      });
      const servers = [upstreamServer(leaving.port), upstreamServer(other.port, { isBackup: true })];
      const sites = [site(["*"], [route("/", "apps", { connectTimeoutMs: 1_000, readTimeoutMs: 600_000 })])];
      const port = freePort();
      await using _driver = await ProxyDriver.start({ ...plan(port, 0, { servers }), sites });
      await using client = await RawClient.connect(port);
      client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      await client.expect(`HTTP/1.1 ${answered} `);
      expect(other.received().includes(body)).toBe(answered === "204");
      if (answered !== "204") expect(other.connections).toEqual([]);
    });
  }

  test("gets no more requests at once than it takes, though it has said so too late", async () => {
    const server = createServer({ settings: { maxConcurrentStreams: 2 } });
    const port = freePort();
    await using driver = await ProxyDriver.start(plan(port, await listening(server, echoingLate)));
    for (const round of [1, 2]) {
      const bodies = Array.from({ length: 20 }, (_, index) => `${round} ${index} `.padEnd(2000, "b"));
      const answers = bodies.map((body) =>
        ask(port, `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2000\r\n\r\n${body}`),
      );
      for (const [index, answered] of (await Promise.all(answers)).entries())
        expect(answered).toContain(`\r\n${bodies[index]}\r\n0\r\n\r\n`);
    }
    expect(driver.log()).toBe("");
    server.close();
  });

  test("that takes no requests for a moment has them wait on one connection, until it takes some", async () => {
    let [most, refused] = [0, 0];
    await using origin = new RawServer((connection, bytes) => {
      if (bytes.startsWith("PRI ")) connection.send(mostStreams(most));
      for (const stream of [1, 3, 5, 7, 9]) {
        if (!bytes.includes(`\x01\x05\0\0\0${String.fromCharCode(stream)}`)) continue;
        if (most === 0) refused++;
        connection.send(
          most > 0 ? headers(stream) : `\0\0\x04\x03\0\0\0\0${String.fromCharCode(stream)}\0\0\0\x07`,
        );
      }
    });
    const port = freePort();
    await using driver = await ProxyDriver.start(plan(port, origin.port));
    const first = get(port);
    await waitFor("the first is refused", () => refused > 0);
    const others = [get(port), get(port), get(port)];
    await waitFor("all are there", async () => (await driver.nextStatus()).connections === 4);
    await driver.nextStatus();
    most = 100;
    for (const connection of origin.connections) connection.send(mostStreams(most));
    for (const answer of await Promise.all([first, ...others])) expect(answer).toStartWith("204 ");
    expect([origin.connections.length, refused]).toEqual([1, 1]);
    expect(driver.log()).toBe("");
  });

  test("that is not heard of over a connection any more gets requests over another", async () => {
    await using origin = new RawServer((connection, bytes) => {
      if (connection !== origin.connections[0] || connection.received === bytes)
        connection.send(`\0\0\0\x04\0\0\0\0\0${headers(1)}`);
    });
    const port = freePort();
    const sites = [site(["*"], [route("/", "apps", { readTimeoutMs: 1_500 })])];
    await using _driver = await ProxyDriver.start({ ...plan(port, origin.port), sites });
    expect(await get(port)).toStartWith("204 ");
    expect(await get(port)).toStartWith("504 ");
    expect(await get(port)).toStartWith("204 ");
    expect(origin.connections).toHaveLength(2);
  });

  test("makes 502 of what else goes wrong", async () => {
    const server = createServer();
    const port = freePort();
    const upstreamPort = await listening(server, breaking);
    await using driver = await ProxyDriver.start(plan(port, upstreamPort));
    expect(await get(port, "/broken")).toStartWith("502 ");
    expect(await get(port, "/half")).toBe("200 half");
    expect(Object.values(await driver.traffic())).toMatchObject([{ open: 0, total: 2, failed: 2 }]);
    server.close();
    await waitFor("refusal", async () => (await get(port)).startsWith("502 "));
  });

  test("that is full lets requests wait for their turn", async () => {
    const held: ServerHttp2Stream[] = [];
    const server = createServer();
    const upstreamPort = await listening(server, (stream) => held.push(stream));
    const servers = [upstreamServer(upstreamPort, { mostConnections: 1 })];
    const port = freePort();
    const queue = { length: 2, timeoutMs: 600_000 };
    await using driver = await ProxyDriver.start(plan(port, upstreamPort, { servers, queue }));
    const answers = [get(port, "/1"), get(port, "/2"), get(port, "/3")];
    for (let turn = 1; turn <= 3; turn++) {
      await waitFor("the next one's turn", () => held.length >= turn);
      await Bun.sleep(50); // another would have come meanwhile
      expect(held).toHaveLength(turn);
      held[turn - 1]?.respond({ ":status": 200, "content-length": "4" });
      held[turn - 1]?.end("done");
    }
    expect(await Promise.all(answers)).toEqual(["200 done", "200 done", "200 done"]);
    expect(driver.log()).toBe("");
    server.close();
  });

  test("that is to be spoken to in HTTP/1.1 from now on is left once what is under way is done", async () => {
    const server = createServer();
    let open = 0;
    server.on("session", (session) => {
      open += 1;
      session.on("close", () => void (open -= 1));
    });
    const held: ServerHttp2Stream[] = [];
    const upstreamPort = await listening(server, (stream) => held.push(stream));
    const port = freePort();
    await using driver = await ProxyDriver.start(plan(port, upstreamPort));
    const answer = get(port);
    await waitFor("the request", () => held.length === 1);
    await driver.configure(plan(port, upstreamPort, { http2: false }));
    expect(open).toBe(1);
    held[0]?.respond({ ":status": 200 });
    held[0]?.end("late");
    expect(await answer).toContain("late");
    await waitFor("the end of the connection", () => open === 0);
    server.close();
  });

  test("has to agree on it under TLS", async () => {
    const files = { cert: readFileSync(at("apps.example.pem")), key: readFileSync(at("apps.example.key")) };
    const server = createSecureServer(files) as unknown as Http2Server;
    const port = freePort();
    const tls = { verifies: true, ca: at("ca.pem"), serverName: "apps.example", identity: null };
    const upstreamPort = await listening(server, (stream) => {
      stream.respond({ ":status": 200 });
      stream.end("secure");
    });
    await using driver = await ProxyDriver.start(plan(port, upstreamPort, { tls }));
    expect(await get(port)).toContain("secure");
    const only1 = Bun.serve({
      port: 0,
      tls: { cert: files.cert, key: files.key },
      fetch: () => new Response("one"),
    });
    await driver.configure(plan(port, only1.port ?? 0, { tls }));
    expect(await get(port)).toStartWith("502 ");
    expect(driver.log()).toContain("does not speak HTTP/2");
    server.close();
    await only1.stop(true);
  });

  test("that speaks HTTP/1.1 instead is a failure, and no server's answer is taken for another's", async () => {
    await using origin = new RawServer(answering("one"));
    const port = freePort();
    await using _driver = await ProxyDriver.start(plan(port, origin.port));
    expect(await get(port)).toStartWith("502 ");
  });
});
