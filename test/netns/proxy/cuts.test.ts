import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
import { RawClient, RawServer, type Script } from "../../support/raw-tcp.ts";
import { relaying } from "../../support/relay-plan.ts";

setDefaultTimeout(30_000);

const folder = mkdtempSync(join(tmpdir(), "edge-ha-cuts-"));
afterAll(() => rmSync(folder, { recursive: true }));

const half = "h".repeat(300_000);
const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const heads = {
  "a length": `HTTP/1.1 200 OK\r\nContent-Length: ${2 * half.length}\r\n\r\n`,
  chunks: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
  "the end of the connection": "HTTP/1.0 200 OK\r\n\r\n",
};

/** How a connection ended for the one who reads it. */
type Ending = "in order" | "reset";

/** A server that keeps how each of its connections ended. */
async function listeningServer(): Promise<{
  readonly port: number;
  readonly endings: readonly Ending[];
  /** The connections over which something came, by their number; the first is 1. */
  readonly told: ReadonlySet<number>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const endings: Ending[] = [];
  const told = new Set<number>();
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let hasEnded = false;
    const tell = (how: Ending): void => {
      if (!hasEnded) endings.push(how);
      hasEnded = true;
    };
    sockets.add(socket);
    const number = sockets.size;
    socket.on("data", () => void told.add(number));
    socket.on("end", () => tell("in order"));
    socket.on("error", () => tell("reset"));
    socket.on("close", () => tell("reset"));
  });
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    resolve(typeof address === "object" && address !== null ? address.port : 0);
  });
  const port = await promise;
  const dispose = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port, endings, told, [Symbol.asyncDispose]: dispose };
}

/** Sends this much of an answer, and resets the connection. */
function breakingOff(part: string): Script {
  return (connection) => {
    connection.send(part);
    setTimeout(() => connection.socket.terminate(), 100);
  };
}

async function through(
  script: Script,
  run: (port: number, driver: ProxyDriver) => Promise<void>,
): Promise<void> {
  const port = freePort();
  await using origin = new RawServer(script);
  const sites = [site(["*"], [route("/", "apps")], { accessLog: fileLog(join(folder, `${port}.log`)) })];
  await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)], { sites }));
  await run(port, driver);
  expect(driver.log()).toBe("");
}

function logged(port: number): readonly string[] {
  return readFileSync(join(folder, `${port}.log`), "latin1")
    .split("\n")
    .slice(0, -1);
}

describe("a server that resets the connection amid its answer", () => {
  for (const [framing, head] of Object.entries(heads))
    for (const version of ["1.1", "1.0"])
      test(`with ${framing} leaves a client of HTTP/${version} without the end of the body`, async () => {
        await through(breakingOff(head + half), async (port) => {
          await using client = await RawClient.connect(port);
          client.send(get.replace("1.1", version));
          await waitFor("the end", () => client.hasEnded || client.isClosed);
          const isMarked = /content-length: 600000|transfer-encoding: chunked/i.test(client.received);
          expect(client.received).toStartWith("HTTP/1.1 200 OK\r\n");
          // What has a length or chunks says itself that something is missing.
          if (isMarked) expect(client.received).not.toEndWith("\r\n0\r\n\r\n");
          else expect(client.hasEnded).toBe(false);
        });
      });

  test("while the client does not read has the client cut, and holds nothing", async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const script: Script = (connection) => {
      connection.send(`HTTP/1.0 200 OK\r\n\r\n${"x".repeat(20_000_000)}`);
      void promise.then(() => connection.socket.terminate());
    };
    await through(script, async (port, driver) => {
      await using client = await RawClient.connect(port);
      client.pauseAt("\r\n\r\n");
      client.send(get.replace("1.1", "1.0"));
      await client.expect("\r\n\r\n");
      await driver.nextStatus();
      resolve(undefined);
      await waitFor("no open connection", async () => {
        client.resume();
        return (await driver.nextStatus()).connections === 0;
      });
      expect(client.hasEnded).toBe(false);
      expect(client.received.length).toBeLessThan(20_000_000);
    });
  });

  test("has the request told of once", async () => {
    await through(breakingOff("HTTP/1.0 200 OK\r\n\r\nhello"), async (port, driver) => {
      for (let request = 0; request < 3; request++) {
        await using client = await RawClient.connect(port);
        client.send(get.replace("1.1", "1.0"));
        await waitFor("the end", () => client.isClosed);
      }
      const { responses } = await driver.nextStatus();
      expect(responses).toEqual({ "1xx": 0, "2xx": 3, "3xx": 0, "4xx": 0, "5xx": 0 });
      await waitFor("its lines", () => logged(port).length >= 3);
      await driver.nextStatus();
      expect(logged(port).map((line) => line.replace(/.*\] /, ""))).toEqual(
        Array.from({ length: 3 }, () => '"GET / HTTP/1.0" 200 5 "-" "-" "-"'),
      );
    });
  });
});

test("a client that does not read in time is told of once", async () => {
  const port = freePort();
  await using origin = new RawServer((connection) =>
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n${"x".repeat(20_000_000)}`),
  );
  const download = { bytesPerS: 0, windowMs: 30_000, stallMs: 500 };
  const listeners = [listener(port, { download })];
  await using driver = await ProxyDriver.start(
    simplePlan(port, [upstreamServer(origin.port)], { listeners }),
  );
  await using client = await RawClient.connect(port);
  client.pauseAt("\r\n\r\n");
  client.send(get);
  await client.expect("\r\n\r\n");
  await waitFor("the end of the request", async () => (await driver.nextStatus()).connections === 0);
  const { responses } = await driver.nextStatus();
  expect(responses).toEqual({ "1xx": 0, "2xx": 0, "3xx": 0, "4xx": 1, "5xx": 0 });
});

describe("a client that resets the connection amid what it sends", () => {
  const upload = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n${half}`;
  const chunked = `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n${half}`;

  for (const [kind, text] of Object.entries({ "a length": upload, chunks: chunked }))
    test(`with ${kind} leaves the server without the end of it`, async () => {
      const port = freePort();
      await using server = await listeningServer();
      await using _driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(server.port)]));
      await using client = await RawClient.connect(port);
      client.send(text);
      await waitFor("some of it at the server", () => server.told.has(1));
      client.cut();
      await waitFor("the end at the server", () => server.endings.length === 1);
      expect(server.endings).toEqual(["reset"]);
    });

  test("over a relay has the server see a reset, and no end of what was sent", async () => {
    const port = freePort();
    await using server = await listeningServer();
    await using _driver = await ProxyDriver.start(relaying(port, [server.port]));
    for (let count = 1; count <= 20; count++) {
      await using client = await RawClient.connect(port);
      client.send(half);
      await waitFor("some of it at the server", () => server.told.has(count));
      client.cut();
      await waitFor("the end at the server", () => server.endings.length === count);
    }
    expect(server.endings.filter((how) => how === "in order")).toEqual([]);
  });
});
