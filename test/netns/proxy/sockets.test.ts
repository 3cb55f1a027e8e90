import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { noContent, type ContentPlan } from "../../../src/config/content-plan.ts";
import { minuteCache } from "../../support/cache-plans.ts";
import { Crowd } from "../../support/crowd.ts";
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
import { answering, ask, RawClient, RawServer, type ServerConnection } from "../../support/raw-tcp.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { bodyOf, cutAtRandom, fieldOf, readMessage, tokenServer } from "../../support/token-traffic.ts";

setDefaultTimeout(60_000);

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const lastGet = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const gzip = { codings: ["gzip" as const], types: ["text/plain"], minBytes: 100 };
const contents: Readonly<Record<string, ContentPlan>> = {
  "as they are": noContent,
  "by way of the cache": { ...noContent, cache: { ...minuteCache, maxObjectBytes: 1_000_000, ttlMs: 1000 } },
  compressed: { ...noContent, compression: { ...gzip, levels: { gzip: 1, br: 1, zstd: 1 } } },
};

interface Asked {
  readonly token: string;
  readonly wanted: number;
}

/** Sends requests one behind the other, cut at random, and compares each answer bit by bit with what belongs to it. */
async function converse(port: number, name: string, random: () => number): Promise<number> {
  let answers = 0;
  await using client = await RawClient.connect(port);
  for (let round = 0; round < 8; round++) {
    const asked: Asked[] = [];
    let text = "";
    for (let left = Math.trunc(random() * 5); left >= 0; left--) {
      const token = `${name}.${round}.${left}`;
      const wanted = Math.trunc(random() ** 3 * 300_000);
      const sent = random() < 0.4 ? Math.trunc(random() ** 3 * 300_000) : 0;
      asked.push({ token, wanted });
      const fields = `X-Token: ${token}\r\nX-Sent: ${sent}\r\nX-Wanted: ${wanted}\r\nAccept-Encoding: gzip\r\n`;
      const body = sent === 0 ? "" : `Content-Length: ${sent}\r\n`;
      text += `${sent === 0 ? "GET" : "POST"} /${token} HTTP/1.1\r\nHost: a\r\n${fields}${body}\r\n${bodyOf(token, sent)}`;
    }
    for (const piece of cutAtRandom(text, 1 + Math.trunc(random() * 4), random)) {
      client.send(piece);
      if (random() < 0.5) await Bun.sleep(random() * 3);
    }
    let at = 0;
    for (const { token, wanted } of asked) {
      await waitFor(`the answer to ${token}`, () => readMessage(client.received, at) !== null);
      const { body, end, head } = readMessage(client.received, at) ?? { body: "", end: 0, head: "" };
      const isCoded = fieldOf(head, "content-encoding") === "gzip";
      const content = isCoded
        ? Buffer.from(Bun.gunzipSync(Buffer.from(body, "latin1"))).toString("latin1")
        : body;
      // Not compared by `expect`, which would show all of both.
      const isRight = content === bodyOf(token, wanted);
      expect([head.slice(0, 15), fieldOf(head, "x-token"), isRight]).toEqual([
        "HTTP/1.1 200 OK",
        token,
        true,
      ]);
      at = end;
      answers += 1;
    }
    expect(client.received.length).toBe(at);
    client.received = "";
  }
  return answers;
}

describe("requests of many clients that are cut anywhere", () => {
  for (const [how, content] of Object.entries(contents))
    test(`are answered each with its own bytes, ${how}`, async () => {
      const seed = Math.trunc(Math.random() * 2 ** 32);
      console.log(`seed ${seed}`);
      const port = freePort();
      await using origin = new RawServer(tokenServer(seededRandom(seed)));
      const sites = [site(["*"], [route("/", "apps", { content })])];
      await using driver = await ProxyDriver.start(
        simplePlan(port, [upstreamServer(origin.port)], { sites }),
      );
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, index) => converse(port, `c${index}`, seededRandom(seed + index + 1))),
      );
      expect(answers.every((count) => count >= 8)).toBe(true);
      expect(driver.log()).toBe("");
    });
});

for (const pieces of [20, 6_000])
  test(`what clients do not read waits for them unchanged, in ${pieces} pieces`, async () => {
    const seed = Math.trunc(Math.random() * 2 ** 32);
    console.log(`seed ${seed}`);
    const port = freePort();
    // More than all kernels' buffers on the way hold.
    const wanted = 14_000_000;
    await using origin = new RawServer(tokenServer(seededRandom(seed)));
    await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
    const slow: RawClient[] = [];
    for (let one = 0; one < 6; one++) {
      const client = await RawClient.connect(port);
      const fields = `X-Token: slow${one}\r\nX-Sent: 0\r\nX-Wanted: ${wanted}\r\nX-Pieces: ${pieces}\r\n`;
      client.pauseAt("\r\n\r\n");
      client.send(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
      await client.expect("\r\n\r\n");
      slow.push(client);
    }
    // What is read for others meanwhile.
    await Promise.all(
      Array.from({ length: 10 }, (_, index) => converse(port, `c${index}`, seededRandom(seed + index + 1))),
    );
    for (const [one, client] of slow.entries()) {
      client.resume();
      await waitFor("all of it", () => client.received.length > wanted);
      await waitFor("the end of it", () => readMessage(client.received) !== null);
      expect(readMessage(client.received)?.body === bodyOf(`slow${one}`, wanted)).toBe(true);
      client.cut();
    }
    expect(driver.log()).toBe("");
  });

/** Sends to every client that asks for `/flood`, as much as it takes, until it is told to end; answers others at once. */
class Flood implements AsyncDisposable {
  readonly port: number;
  private readonly bytes = Buffer.alloc(64 * 1024, "f");
  private readonly server: Bun.TCPSocketListener<{ isFlooded: boolean; text: string }>;
  private isOver = false;

  constructor() {
    this.server = Bun.listen<{ isFlooded: boolean; text: string }>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (socket) => void (socket.data = { isFlooded: false, text: "" }),
        data: (socket, bytes) => {
          const { data } = socket;
          data.text += bytes.toString("latin1");
          if (data.text.startsWith("GET /flood ")) {
            data.isFlooded = true;
            socket.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            this.send(socket);
          } else if (readMessage(data.text) !== null) {
            data.text = "";
            socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
          }
        },
        drain: (socket) => this.send(socket),
      },
    });
    this.port = this.server.port;
  }

  end(): void {
    this.isOver = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.stop(true);
  }

  private send(socket: Bun.Socket<{ isFlooded: boolean }>): void {
    if (!socket.data.isFlooded) return;
    while (!this.isOver && socket.write(this.bytes) === this.bytes.length);
    if (this.isOver) socket.end();
  }
}

test("200 clients that get without end have each its share, and others are answered meanwhile", async () => {
  const port = freePort();
  await using flood = new Flood();
  await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(flood.port)]));
  await using crowd = await Crowd.open(port, 200);
  await crowd.countAll("GET /flood HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 500_000);
  for (let request = 0; request < 3; request++) expect(await ask(port, lastGet)).toEndWith("\r\n\r\nhello");
  const upload = `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n${"u".repeat(1_000_000)}`;
  const answers = await Promise.all(Array.from({ length: 2 }, () => ask(port, upload)));
  expect(answers.every((answer) => answer.endsWith("\r\n\r\nhello"))).toBe(true);
  flood.end();
  await waitFor("the end of all", () => crowd.open === 0);
  expect(driver.log()).toBe("");
});

test("who finds no descriptor waits, and is served once there is one", async () => {
  const port = freePort();
  await using origin = new RawServer(answering("hello"));
  const limited = ["prlimit", "--nofile=120:120"];
  await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]), [], limited);
  expect(await ask(port, lastGet)).toEndWith("hello");
  // The kernel takes their connections, whether the process does or not.
  await using crowd = await Crowd.open(port, 300);
  await waitFor("as many as there are descriptors", () => descriptorsOf(driver.pid) === 120);
  await using late = await RawClient.connect(port);
  late.send(lastGet);
  await driver.nextStatus();
  await driver.nextStatus();
  expect(late.received).toBe("");
  crowd.cut();
  expect(await late.expectEnd()).toEndWith("hello");
  late.cut();
  await waitFor("no open connection", async () => (await driver.nextStatus()).connections === 0);
  expect(await ask(port, lastGet)).toEndWith("hello");
});

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

const upload = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${"u".repeat(100_000)}`;

/** What clients send before they end their half, or cut. */
const beginnings = [
  "",
  "G",
  get.slice(0, -2),
  get,
  get + get,
  get + get.slice(0, 9),
  upload,
  upload.slice(0, 50_000),
];

async function visit(port: number, random: () => number): Promise<void> {
  await using client = await RawClient.connect(port);
  const text = beginnings[Math.trunc(random() * beginnings.length)] ?? "";
  for (const piece of cutAtRandom(text, 1 + Math.trunc(random() * 3), random)) {
    client.send(piece);
    if (random() < 0.3) await Bun.sleep(random() * 5);
  }
  if (random() < 0.3) client.pause();
  if (random() < 0.5) client.shutdown();
  if (random() < 0.5) await Bun.sleep(random() * 20);
}

/** Answers most requests, in pieces or not, and ends or cuts the connection behind, amid or before some answers. */
function moody(random: () => number): (connection: ServerConnection) => void {
  const page = "p".repeat(80_000);
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${page.length}\r\n\r\n${page}`;
  return (connection) => {
    const next = readMessage(connection.received);
    if (next === null) return;
    connection.received = "";
    const mood = random();
    if (mood < 0.1) connection.socket.terminate();
    else if (mood < 0.2) connection.end();
    else if (mood < 0.3) {
      connection.send(answer.slice(0, 1000));
      setTimeout(() => (mood < 0.25 ? connection.socket.terminate() : connection.end()), 3);
    } else if (mood < 0.4) {
      connection.send(answer);
      connection.end();
    } else connection.send(answer);
  };
}

test("3,000 connections that come and go in every way leave nothing behind", async () => {
  const seed = Math.trunc(Math.random() * 2 ** 32);
  console.log(`seed ${seed}`);
  const port = freePort();
  const random = seededRandom(seed);
  await using origin = new RawServer(moody(random));
  const upstreams = [upstream("apps", [upstreamServer(origin.port)], { keepAliveConnections: 0 })];
  await using driver = await ProxyDriver.start(simplePlan(port, [], { upstreams }));
  await ask(port, lastGet);
  await waitFor("no open connection", async () => (await driver.nextStatus()).connections === 0);
  const before = descriptorsOf(driver.pid);
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 150 }, () => visit(port, random)));
    origin.connections.length = 0;
  }
  await waitFor("no open connection", async () => (await driver.nextStatus()).connections === 0);
  const [server] = Object.values(await driver.traffic());
  expect([server?.open, server?.idle]).toEqual([0, 0]);
  await waitFor(`${before} descriptors`, () => descriptorsOf(driver.pid) === before);
  expect(driver.log()).toBe("");
});

test("a part of a head that waits for the rest keeps no more memory than its own", async () => {
  const port = freePort();
  const half = "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ";
  const body = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n${"u".repeat(600_000)}`;
  await using origin = new RawServer((connection) => {
    const next = readMessage(connection.received);
    if (next === null) return;
    connection.received = "";
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  });
  await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
  await using busy = await RawClient.connect(port);
  const slow: RawClient[] = [];
  const work = async (count: number): Promise<number> => {
    for (let one = 0; one < count; one++) {
      const client = await RawClient.connect(port);
      client.send(half);
      slow.push(client);
      // What comes over other connections meanwhile.
      busy.received = "";
      busy.send(body);
      await busy.expect("\r\n\r\nhello");
    }
    return driver.residentBytes();
  };
  const before = await work(100);
  const each = ((await work(400)) - before) / 400;
  console.log(`${(each / 1024).toFixed(1)} KiB of memory for each`);
  for (const client of slow) client.cut();
  // Half of the memory that each kept before; the runtime collects the uploads' when it likes.
  expect(each).toBeLessThan(256 * 1024);
});

/** Listens and takes nobody; the queue of those who wait to be taken is full. */
const deafListener = `
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=0)
waiting = [socket.socket() for _ in range(4)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(listener.getsockname())
print("deaf", flush=True)
time.sleep(600)
`;

/** How many connections to a port of this host are being made (`02` is SYN_SENT, proc_net_tcp). */
function attemptsAt(port: number): number {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")} 02 `;
  return readFileSync("/proc/net/tcp", "latin1")
    .split("\n")
    .filter((line) => line.includes(remote)).length;
}

test("a connection that does not come about is given up with the client that waits for it", async () => {
  const [port, deafPort] = [freePort(), freePort()];
  const deaf = Bun.spawn(["/usr/bin/python3", "-c", deafListener, String(deafPort)], { stdout: "pipe" });
  try {
    await deaf.stdout.getReader().read();
    const before = attemptsAt(deafPort);
    await using _driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(deafPort)]));
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(port)));
    for (const client of clients) client.send(get);
    await waitFor("20 attempts", () => attemptsAt(deafPort) === before + 20);
    for (const client of clients) client.cut();
    await waitFor("no attempt any more", () => attemptsAt(deafPort) <= before);
  } finally {
    deaf.kill();
    await deaf.exited;
  }
});
