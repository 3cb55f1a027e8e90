import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PaceLimitPlan } from "../../../src/config/http-plan.ts";
import { errorCode, frameType, numberFrame } from "../../../src/proxy/http2/frames.ts";
import { makeCertificates } from "../../support/certificates.ts";
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
import { RawHttp2Client } from "../../support/raw-http2.ts";
import { ask, RawClient } from "../../support/raw-tcp.ts";

/** Clients that take or send next to nothing, of one process, and those that are slow for no fault of theirs. */

setDefaultTimeout(30_000);

const many = 32 * 1024 ** 2;
const onStalls: PaceLimitPlan = { bytesPerS: 0, windowMs: 30_000, stallMs: 1_000 };
const onRates: PaceLimitPlan = { bytesPerS: 100_000, windowMs: 1_000, stallMs: 60_000 };
const onLongStalls: PaceLimitPlan = { bytesPerS: 0, windowMs: 30_000, stallMs: 2_000 };
const [stalling, rating, patient, patientTls] = [freePort(), freePort(), freePort(), freePort()];
const folder = mkdtempSync(join(tmpdir(), "edge-ha-slow-"));
let driver: ProxyDriver | null = null;

/** Sends a large answer over every connection, and counts those that are open. */
const flooding = { open: 0, hasBegun: false };
const flood = Bun.listen<{ left: number }>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open: (socket) => {
      socket.data = { left: many };
      flooding.open += 1;
      flooding.hasBegun = true;
    },
    data: (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${many}\r\nConnection: close\r\n\r\n`);
      pump(socket);
    },
    drain: (socket) => pump(socket),
    close: () => void (flooding.open -= 1),
    error: () => undefined,
  },
});

function pump(socket: Bun.Socket<{ left: number }>): void {
  const { data } = socket;
  while (data.left > 0) {
    const written = socket.write(new Uint8Array(Math.min(data.left, 65_536)));
    if (written <= 0) return;
    data.left -= written;
  }
  socket.end();
}

/** Waits until the large answer was begun and nobody wants it any more. */
async function floodEnds(): Promise<void> {
  await waitFor("the server hears of it", () => flooding.hasBegun && flooding.open === 0);
  flooding.hasBegun = false;
}

async function* drip(): AsyncGenerator<string> {
  for (let turn = 0; turn < 12; turn++) {
    await Bun.sleep(100);
    yield "x";
  }
}

/** `/upload` counts, the rest takes more than a second. */
const origin = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 60,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/upload") return new Response(String((await request.arrayBuffer()).byteLength));
    return new Response(drip as unknown as ReadableStream);
  },
});

beforeAll(async () => {
  const respond = { status: 200, body: "z".repeat(200_000), type: "text/plain", headers: [] };
  const usual = route("/", "apps");
  const own = { ...route("/own", "apps"), upstream: null, routing: { ...usual.routing, respond } };
  const hosts = site(["*"], [usual, own, route("/many", "flood")], {
    listeners: ["stalling", "rating", "patient", "patient-tls"],
  });
  const slow = { upload: onLongStalls, download: onLongStalls };
  await makeCertificates(folder, ["edge.example"]);
  const certificate = join(folder, "edge.example.pem");
  const certificates = [{ certificate, key: join(folder, "edge.example.key") }];
  const tls = { certificates, minVersion: "1.2", ciphers: null, clients: null } as const;
  driver = await ProxyDriver.start({
    ...simplePlan(stalling, [upstreamServer(origin.port ?? 0)]),
    listeners: [
      listener(stalling, { name: "stalling", http2: true, upload: onStalls, download: onStalls }),
      listener(rating, { name: "rating", http2: true, upload: onRates, download: onRates }),
      listener(patient, { name: "patient", http2: true, ...slow }),
      listener(patientTls, { name: "patient-tls", ...slow, tls }),
    ],
    upstreams: [
      upstream("apps", [upstreamServer(origin.port ?? 0)]),
      upstream("flood", [upstreamServer(flood.port)]),
    ],
    sites: [hosts],
  });
});
afterAll(async () => {
  await driver?.[Symbol.asyncDispose]();
  await origin.stop(true);
  flood.stop(true);
  rmSync(folder, { recursive: true, force: true });
});

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
const post = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";

describe("over HTTP/1.1", () => {
  test("an upload that stalls, and one that only drips, get 408", async () => {
    await using idle = await RawClient.connect(stalling);
    idle.send(`${post}some`);
    await idle.expect("HTTP/1.1 408 ");
    await using slow = await RawClient.connect(rating);
    slow.send(post);
    await waitFor("the answer", async () => {
      slow.send("x");
      await Bun.sleep(20);
      return slow.received.startsWith("HTTP/1.1 408 ");
    });
  });

  test("a download that is not read is cut, on its server too", async () => {
    for (const port of [stalling, rating]) {
      await using client = await RawClient.connect(port);
      client.send(get("/many"));
      client.pause();
      await floodEnds();
      client.resume();
      await waitFor("the end", () => client.isClosed);
      expect(client.received.length).toBeLessThan(many);
    }
  });

  test.each([
    [patient, "clear text"],
    [patientTls, "TLS"],
    [patient, "HTTP/2"],
  ])("a download that goes slowly on after a fast beginning is not cut (%d, %s)", async (port, how) => {
    // The kernel here has taken more ahead than the client reads within the time that it may move nothing.
    const client = Bun.spawn(
      ["python3", join(import.meta.dir, "../../support/slow-reader.py"), String(port), how],
      {
        stderr: "inherit",
      },
    );
    const read = Number(await new Response(client.stdout).text());
    expect(read).toBeGreaterThan(many);
    await floodEnds();
  });

  test("a slow server, a fast client and a pause between requests are nobody's fault", async () => {
    for (const port of [stalling, rating]) {
      expect(await ask(port, get("/drip"))).toContain("1\r\nx\r\n0\r\n");
      expect((await ask(port, get("/many"))).length).toBeGreaterThan(many);
      await floodEnds();
      await using client = await RawClient.connect(port);
      const keepAlive = get("/own").replace("Connection: close\r\n", "");
      client.send(keepAlive);
      await client.expect(/z{200000}$/);
      await Bun.sleep(1_200);
      client.send(get("/own"));
      await waitFor("both answers", () => client.received.split("HTTP/1.1 200 OK").length === 3);
    }
  });
});

describe("over HTTP/2", () => {
  test.each([stalling, rating])(
    "a stream whose window is never opened is reset, and no other (%d)",
    async (port) => {
      await using client = await RawHttp2Client.connect(port);
      client.send(numberFrame(frameType.windowUpdate, 0, 2 ** 26));
      client.request(1, { ":path": "/many" });
      client.request(3, { ":path": "/own" });
      client.request(5, { ":path": "/drip" });
      expect(await client.resetCode(1)).toBe(errorCode.cancel);
      expect(await client.resetCode(3)).toBe(errorCode.cancel);
      await client.expect("the end of the slow one", ({ type, flags, stream }) => {
        return stream === 5 && type === frameType.data && (flags & 1) === 1;
      });
      await floodEnds();
    },
  );

  test.each([stalling, rating])("an upload that stalls gets 408 (%d)", async (port) => {
    await using client = await RawHttp2Client.connect(port);
    client.request(1, { ":method": "POST", ":path": "/upload" }, false);
    client.frame(frameType.data, 0, 1, Buffer.alloc(10));
    expect(await client.status(1)).toBe("408");
    client.request(3, { ":path": "/drip" });
    expect(await client.status(3)).toBe("200");
  });

  test("the rest of a body that is under way is waited for behind an answer", async () => {
    await using client = await RawHttp2Client.connect(stalling);
    client.request(1, { ":method": "POST", ":path": "/own", "content-length": "4" }, false);
    expect(await client.status(1)).toBe("200");
    client.send(numberFrame(frameType.windowUpdate, 0, 2 ** 26));
    client.send(numberFrame(frameType.windowUpdate, 1, 2 ** 26));
    client.frame(frameType.data, 1, 1, Buffer.from("body"));
    await client.expect("the end", ({ type, flags, stream }) => {
      return stream === 1 && type === frameType.data && (flags & 1) === 1;
    });
    client.request(3, { ":path": "/drip" });
    expect(await client.status(3)).toBe("200");
    expect(client.frames.filter(({ type }) => type === frameType.resetStream)).toEqual([]);
  });
});
