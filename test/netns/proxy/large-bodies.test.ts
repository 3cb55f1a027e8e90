import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../support/lab.ts";
import { LocalNginx } from "../../support/local-nginx.ts";
import { freePort, listener, ProxyDriver, simplePlan, upstreamServer } from "../../support/proxy-driver.ts";
import { RawClient, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(300_000);

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;
/** The runtime alone takes about 50 MiB; a proxy that kept bodies would take a thousand. */
const flat = 220 * mebibyte;

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

interface Highest {
  residentBytes: number;
}

function watchMemory(driver: ProxyDriver): { readonly highest: Highest; stop(): void } {
  const highest = { residentBytes: 0 };
  const timer = setInterval(() => {
    highest.residentBytes = Math.max(highest.residentBytes, driver.residentBytes());
  }, 50);
  return { highest, stop: () => clearInterval(timer) };
}

async function run(command: readonly string[]): Promise<string> {
  const child = Bun.spawn(["nice", ...command], { stdout: "pipe", stderr: "inherit" });
  return new Response(child.stdout).text();
}

/** Has curl move a body and gives what `-w` printed; prints the memory it took. */
async function measured(what: string, driver: ProxyDriver, command: readonly string[]): Promise<string> {
  const memory = watchMemory(driver);
  const printed = await run(command);
  memory.stop();
  const megabytes = (memory.highest.residentBytes / mebibyte).toFixed(0);
  console.log(`1 GiB ${what}: at most ${megabytes} MiB resident`);
  expect(memory.highest.residentBytes).toBeLessThan(flat);
  return printed;
}

describe("a body of 1 GiB", () => {
  test("goes down with flat memory", async () => {
    const [port, origin] = [freePort(), freePort()];
    await using nginx = await LocalNginx.start(origin, "root FOLDER;");
    const path = join(nginx.folder, "large");
    await run(["truncate", "-s", String(gibibyte), path]);
    await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin)]));
    const url = `http://127.0.0.1:${port}/large`;
    const format = ["-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download}"];
    expect(await measured("down", driver, ["curl", ...format, url])).toBe(`200 ${gibibyte}`);
  });

  test("goes down in chunks with flat memory", async () => {
    const port = freePort();
    const piece = `${(256 * 1024).toString(16)}\r\n${"x".repeat(256 * 1024)}\r\n`;
    const bytes = Buffer.from(piece.repeat(8), "latin1");
    const server = Bun.listen<{ left: number; offset: number }>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (socket) => void (socket.data = { left: gibibyte / (2 * mebibyte), offset: 0 }),
        data(socket) {
          socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
          pump(socket);
        },
        drain: (socket) => pump(socket),
      },
    });
    function pump(socket: Bun.Socket<{ left: number; offset: number }>): void {
      const state = socket.data;
      while (state.left > 0) {
        const written = socket.write(bytes, state.offset, bytes.length - state.offset);
        if (written <= 0) return;
        state.offset += written;
        if (state.offset < bytes.length) return;
        state.offset = 0;
        if (--state.left === 0) socket.write("0\r\n\r\n");
      }
    }
    await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(server.port)]));
    const format = ["-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download}"];
    const printed = await measured("down in chunks", driver, [
      "curl",
      ...format,
      `http://127.0.0.1:${port}/`,
    ]);
    expect(printed).toBe(`200 ${gibibyte}`);
    server.stop(true);
  });

  test("goes up with flat memory, with a length and in chunks", async () => {
    const port = freePort();
    const path = join(tmpdir(), `edge-ha-upload-${process.pid}`);
    await run(["truncate", "-s", String(gibibyte - 4), path]);
    await run(["sh", "-c", `printf LAST >> ${path}`]);
    let received = 0;
    // The end may come in any number of pieces: what counts is the last bytes of all.
    let tail = "";
    let end = "LAST";
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket, bytes) {
          received += bytes.length;
          tail = (tail + bytes.subarray(-11).toString("latin1")).slice(-11);
          if (tail.endsWith(end)) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        },
      },
    });
    await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(server.port)]));
    const upload = [
      "-s",
      "-o",
      "/dev/null",
      "-w",
      "%{http_code} %{size_upload}",
      "-H",
      "Expect:",
      "-T",
      path,
    ];
    const url = `http://127.0.0.1:${port}/`;
    expect(await measured("up", driver, ["curl", ...upload, url])).toBe(`200 ${gibibyte}`);
    expect(received).toBeWithin(gibibyte, gibibyte + 1000);
    received = 0;
    end = "LAST\r\n0\r\n\r\n";
    const chunked = ["-H", "Transfer-Encoding: chunked"];
    expect(await measured("up in chunks", driver, ["curl", ...upload, ...chunked, url])).toStartWith("200 ");
    expect(received).toBeGreaterThan(gibibyte);
    server.stop(true);
    rmSync(path);
  });
});

describe("bodies that pass side by side", () => {
  // Memory of one body is given to the next as soon as it is written: no client may see another's bytes.
  for (const version of ["--http1.1", "--http2-prior-knowledge"])
    test(`arrive octet for octet, with a length and in chunks, at slow clients too (${version})`, async () => {
      const [port, origin] = [freePort(), freePort()];
      const locations = `root FOLDER; location /cut/ { alias FOLDER/; sub_filter never-in-there x; sub_filter_types *; }`;
      await using nginx = await LocalNginx.start(origin, locations);
      const listeners = [listener(port, { http2: true })];
      await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin)], { listeners }));
      const sizes = [4000, 5000, 65_000, 66_000, 300_000, 700_000, 3_000_000];
      const bodies = sizes.map((size) => randomBytes(size));
      for (const [index, body] of bodies.entries()) writeFileSync(join(nginx.folder, `${index}`), body);
      const fetched = async (path: string, slow: readonly string[]): Promise<string> => {
        const url = `http://127.0.0.1:${port}${path}`;
        const curl = Bun.spawn(["curl", "-s", version, ...slow, url]);
        return sha256(Buffer.from(await new Response(curl.stdout).arrayBuffer()));
      };
      const wanted = bodies.map(sha256);
      for (const slow of [[], ["--limit-rate", "6M"]]) {
        const got = await Promise.all(
          ["/", "/cut/"].flatMap((place) => sizes.map((_, index) => fetched(`${place}${index}`, slow))),
        );
        expect(got).toEqual([...wanted, ...wanted]);
      }
      expect(driver.log()).toBe("");
    });
});

describe("a client that does not read", () => {
  test("stops the server, costs little memory and gets everything in the end", async () => {
    const [port, origin] = [freePort(), freePort()];
    const size = 64 * mebibyte;
    await using nginx = await LocalNginx.start(origin, "root FOLDER;");
    await run(["truncate", "-s", String(size), join(nginx.folder, "file")]);
    await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin)]));
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(port)));
    for (const client of clients) {
      client.pause();
      client.send("GET /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }
    await waitFor("all requests", async () => (await driver.nextStatus()).requests === clients.length);
    await driver.nextStatus();
    expect(driver.residentBytes()).toBeLessThan(flat);
    const [first, ...others] = clients;
    for (const client of others) client.cut();
    first?.resume();
    expect((await first?.expectEnd())?.length).toBeGreaterThan(size);
  });

  test("of the server's kind stops a client that sends", async () => {
    const port = freePort();
    await using origin = new RawServer((connection) => connection.socket.pause());
    await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
    const piece = Buffer.alloc(mebibyte);
    let sent = 0;
    const fill = (socket: Bun.Socket<unknown>): void => {
      while (sent < gibibyte) {
        const written = socket.write(piece);
        if (written <= 0) return;
        sent += written;
      }
    };
    const client = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open(socket) {
          socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${gibibyte}\r\n\r\n`);
          fill(socket);
        },
        drain: fill,
        data: () => undefined,
      },
    });
    await waitFor("the request", () => origin.connections.length === 1);
    await driver.nextStatus();
    expect(sent).toBeLessThan(64 * mebibyte);
    expect(driver.residentBytes()).toBeLessThan(flat);
    client.terminate();
  });
});
