import { describe, expect, setDefaultTimeout, test } from "bun:test";
import zlib from "node:zlib";
import { noContent, type Coding, type CompressionPlan } from "../../../src/config/content-plan.ts";
import { Crowd } from "../../support/crowd.ts";
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
import { ask, RawClient, RawServer, type Script } from "../../support/raw-tcp.ts";
import { seededRandom } from "../../support/seeded-random.ts";

setDefaultTimeout(30_000);

const usual: CompressionPlan = {
  codings: ["zstd", "br", "gzip"],
  types: ["text/html", "text/event-stream"],
  minBytes: 100,
  levels: { gzip: 5, br: 4, zstd: 2 },
};
const cache = {
  maxObjectBytes: 1024 ** 2,
  ttlMs: 60_000,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  lockTimeoutMs: 5000,
  disk: null,
};

/** Runs a proxy with compression, and with the cache below /kept, before a server. */
async function before(
  server: number,
  run: (port: number, driver: ProxyDriver) => Promise<void>,
): Promise<void> {
  const port = freePort();
  const content = { ...noContent, compression: usual };
  const routes = [
    route("/", "apps", { content }),
    route("/kept", "apps", { content: { ...content, cache } }),
  ];
  const plan = simplePlan(port, [upstreamServer(server)], { sites: [site(["*"], routes)] });
  await using driver = await ProxyDriver.start({ ...plan, listeners: [listener(port, { http2: true })] });
  await run(port, driver);
  expect(driver.log()).toBe("");
}

async function behind(
  script: Script,
  run: (port: number, origin: RawServer) => Promise<void>,
): Promise<void> {
  await using origin = new RawServer(script);
  await before(origin.port, (port) => run(port, origin));
}

const get = (path: string, lines = "Accept-Encoding: gzip\r\n", method = "GET"): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\n${lines}Connection: close\r\n\r\n`;
const page = "<p>to be encoded</p>\n".repeat(100);
const ok = (lines: string, body = page): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\n${lines}\r\n${body}`;
const bodyOf = (answer: string): Buffer =>
  Buffer.from(answer.slice(answer.indexOf("\r\n\r\n") + 4), "latin1");
const headOf = (answer: string): string => answer.slice(0, answer.indexOf("\r\n\r\n") + 2);

const decoders: Readonly<Record<Coding, (code: Buffer) => Buffer>> = {
  gzip: (code) => zlib.gunzipSync(code),
  br: (code) => zlib.brotliDecompressSync(code),
  zstd: (code) => zlib.zstdDecompressSync(code),
};

async function curl(...words: readonly string[]): Promise<{ readonly status: number; readonly out: Buffer }> {
  const subprocess = Bun.spawn(["curl", "--silent", "--max-time", "20", ...words], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const out = Buffer.from(await new Response(subprocess.stdout).arrayBuffer());
  return { status: await subprocess.exited, out };
}

const random = seededRandom(11);
const textOf = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => 97 + Math.trunc(random() * random() * 26)));

const asTheyAre: readonly (readonly [what: string, answer: string])[] = [
  ["what is encoded", ok("Content-Encoding: br\r\n")],
  ["what may not be changed (RFC 9110 §7.7)", ok("Cache-Control: no-transform\r\n")],
  ["other types", ok("").replace("text/html", "image/png")],
  ["what is short", ok("", "short")],
  ["what has a digest", ok("Repr-Digest: sha-256=:AA==:\r\n")],
  ["calls of gRPC", ok("").replace("text/html", "application/grpc")],
  ["no content", "HTTP/1.1 204 No Content\r\nContent-Type: text/html\r\n\r\n"],
  ["an empty body", ok("", "")],
];

const asListed: Script = (connection, bytes) =>
  connection.send(asTheyAre[Number(/ \/(\d+)/.exec(bytes)?.[1])]?.[1] ?? "");
const parted: Script = (connection, bytes) =>
  connection.send(
    bytes.includes(" /part ")
      ? ok("Content-Range: bytes 0-2/2100\r\n", "<p>").replace("200 OK", "206 Partial Content")
      : ok(""),
  );
const trailing: Script = (connection) =>
  connection.send(
    `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n${page.length.toString(16)}\r\n${page}\r\n0\r\nX-Sum: 1\r\n\r\n`,
  );
const versioned: Script = (connection, bytes) =>
  connection.send(
    bytes.includes("If-None-Match") ? 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n' : ok('ETag: "1"\r\n'),
  );
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const eventful: Script = (connection) =>
  connection.send(
    `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n${chunk("data: 1\n\n")}`,
  );
const cutShort: Script = (connection) => {
  connection.send(`HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9999\r\n\r\n${page}`);
  setTimeout(() => connection.socket.terminate(), 50);
};

describe("compression", () => {
  test("gives real clients what the server sent, in each coding, version of HTTP and cut", async () => {
    const bodies: ReadonlyMap<string, Buffer> = new Map(
      [101, 5000, 65_536, 70_001, 900_000].map((length) => [`/${length}`, textOf(length)] as const),
    );
    using origin = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        const { pathname, search } = new URL(request.url);
        const body = bodies.get(pathname) ?? Buffer.alloc(0);
        const headers = { "Content-Type": "text/html; charset=utf-8" };
        if (search === "") return new Response(body, { headers });
        let at = 0;
        const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
          const end = Math.min(body.length, at + 1 + Math.trunc(random() * body.length * 0.3));
          controller.enqueue(body.subarray(at, end));
          at = end;
          await Bun.sleep(0);
          if (at === body.length) controller.close();
        };
        return new Response(new ReadableStream({ pull }), { headers });
      },
    });
    await before(origin.port ?? 0, async (port) => {
      for (const [path, body] of bodies) {
        for (const query of ["", "?in=pieces"]) {
          const url = `http://127.0.0.1:${port}${path}${query}`;
          for (const coding of ["gzip", "br", "zstd"] as const) {
            const accepts = { "Accept-Encoding": coding };
            const raw = await fetch(url, { decompress: false, headers: accepts });
            expect([raw.headers.get("content-encoding"), raw.headers.get("vary")]).toEqual([
              coding,
              "Accept-Encoding",
            ]);
            expect(decoders[coding](Buffer.from(await raw.arrayBuffer())).equals(body)).toBeTrue();
            const version = random() < 0.5 ? "--http1.1" : "--http2-prior-knowledge";
            const { out, status } = await curl(
              "--compressed",
              version,
              "-H",
              `Accept-Encoding: ${coding}`,
              url,
            );
            expect([status, out.equals(body)]).toEqual([0, true]);
          }
          const plain = await curl(url);
          expect(plain.out.equals(body)).toBeTrue();
          const old = await curl("--http1.0", "--compressed", url);
          expect([old.status, old.out.equals(body)]).toEqual([0, true]);
        }
      }
    });
  });

  test("says of an encoded answer what holds for it, also to HEAD", async () => {
    const lines = 'ETag: "1"\r\nAccept-Ranges: bytes\r\nVary: Origin\r\nX-Own: 1\r\n';
    const script: Script = (connection, bytes) =>
      connection.send(bytes.startsWith("HEAD") ? headOf(ok(lines)) + "\r\n" : ok(lines));
    await behind(script, async (port) => {
      const answer = await ask(port, get("/"));
      const coded = bodyOf(answer);
      expect(zlib.gunzipSync(coded).toString()).toBe(page);
      expect(headOf(answer)).toBe(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nVary: Origin\r\nX-Own: 1\r\nVary: Accept-Encoding\r\n" +
          `ETag: W/"1"\r\nContent-Encoding: gzip\r\nContent-Length: ${coded.length}\r\nConnection: close\r\n`,
      );
      // RFC 9110 §9.3.2: but for what only comes of the body.
      expect(await ask(port, get("/", "Accept-Encoding: gzip\r\n", "HEAD"))).toBe(
        `${headOf(answer).replace(/Content-Length: \d+\r\n/, "")}\r\n`,
      );
      // To others the same but for the coding, so that no cache mixes them up.
      for (const accepted of ["", "Accept-Encoding: deflate\r\n", "Accept-Encoding: gzip;q=0\r\n"]) {
        const plain = await ask(port, get("/", accepted));
        expect(plain).toContain(
          'ETag: "1"\r\nAccept-Ranges: bytes\r\nVary: Origin\r\nX-Own: 1\r\nVary: Accept-Encoding\r\n',
        );
        expect(plain).toEndWith(`\r\n\r\n${page}`);
      }
    });
  });

  test("leaves alone what is not for it", async () => {
    await behind(asListed, async (port) => {
      for (const [index, [what, said]] of asTheyAre.entries()) {
        const answer = await ask(port, get(`/${index}`));
        expect([what, answer.replace("Connection: close\r\n", "")]).toEqual([what, said]);
      }
    });
  });

  test("leaves parts as they are, and says that they are parts of what differs", async () => {
    await behind(parted, async (port) => {
      for (const path of ["/part", "/whole"]) {
        const answer = await ask(port, get(path, "Accept-Encoding: gzip\r\nRange: bytes=0-2\r\n"));
        expect(headOf(answer)).toContain("\r\nVary: Accept-Encoding\r\n");
        expect(headOf(answer)).not.toContain("Content-Encoding");
      }
    });
  });

  test("keeps trailer fields, ends with chunks where it must, and with the connection for HTTP/1.0", async () => {
    await behind(trailing, async (port) => {
      const answer = await ask(port, get("/", "Accept-Encoding: gzip\r\nTE: trailers\r\n"));
      expect(answer).toContain("Trailer: X-Sum\r\n");
      expect(answer).toEndWith("\r\n0\r\nX-Sum: 1\r\n\r\n");
      const old = await ask(port, "GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n");
      expect(old).not.toContain("Transfer-Encoding");
      expect(zlib.gunzipSync(bodyOf(old)).toString()).toBe(page);
    });
  });

  test("finds the version that a client holds, encoded or not", async () => {
    await behind(versioned, async (port, origin) => {
      for (const path of ["/", "/kept"]) {
        if (path === "/kept") await ask(port, get(path));
        const held = await ask(port, get(path, 'Accept-Encoding: gzip\r\nIf-None-Match: W/"1"\r\n'));
        expect(held).toStartWith("HTTP/1.1 304 ");
        expect(held).toContain('ETag: W/"1"\r\n');
        expect(held).toContain("Vary: Accept-Encoding\r\n");
        const plain = await ask(port, get(path, 'If-None-Match: "1"\r\n'));
        expect(plain).toStartWith("HTTP/1.1 304 ");
        expect(plain).toContain('ETag: "1"\r\n');
      }
      // What the cache keeps is as the server sent it: one entry for all codings and for parts.
      for (const coding of ["gzip", "br", "zstd"] as const) {
        const answer = await ask(port, get("/kept", `Accept-Encoding: ${coding}\r\n`));
        expect(answer).toContain("X-Cache: HIT\r\n");
        expect(decoders[coding](bodyOf(answer)).toString()).toBe(page);
      }
      const part = await ask(
        port,
        get("/kept", 'Accept-Encoding: gzip\r\nRange: bytes=3-4\r\nIf-Range: "1"\r\n'),
      );
      expect(part).toStartWith("HTTP/1.1 206 ");
      expect(part).toEndWith("\r\n\r\nto");
      // RFC 9110 §13.1.5: a weak tag names no bytes, so there can be no part of them.
      expect(await ask(port, get("/kept", 'Range: bytes=3-4\r\nIf-Range: W/"1"\r\n'))).toEndWith(
        `\r\n\r\n${page}`,
      );
      expect(origin.received().split("/kept").length - 1).toBe(1);
    });
  });

  test("streams a long answer of the cache in parts until its code is there", async () => {
    const long = textOf(700_000).toString();
    const script: Script = (connection) => connection.send(ok("Cache-Control: max-age=60\r\n", long));
    await behind(script, async (port, origin) => {
      const url = `http://127.0.0.1:${port}/kept`;
      const asked = async (): Promise<Headers> => {
        const answer = await fetch(url, { decompress: false, headers: { "Accept-Encoding": "gzip" } });
        expect(zlib.gunzipSync(Buffer.from(await answer.arrayBuffer())).toString()).toBe(long);
        return answer.headers;
      };
      expect((await asked()).get("x-cache")).toBe("MISS");
      expect((await asked()).get("content-length")).toBeNull();
      await waitFor("the code to be there", async () => (await asked()).get("content-length") !== null);
      expect(origin.received().split("/kept").length - 1).toBe(1);
    });
  });

  test("sends each event as it comes", async () => {
    await behind(eventful, async (port, origin) => {
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { "Accept-Encoding": "br" } });
      expect(response.headers.get("content-encoding")).toBe("br");
      const reader = response.body?.getReader();
      for (let event = 1; event < 4; event++) {
        const { value } = (await reader?.read()) ?? {};
        expect(Buffer.from(value ?? []).toString()).toBe(`data: ${event}\n\n`);
        origin.connections[0]?.send(chunk(`data: ${event + 1}\n\n`));
      }
      await reader?.cancel();
    });
  });

  test("shows a client that the server broke off, in both versions of HTTP", async () => {
    await behind(cutShort, async (port) => {
      for (const version of ["--http1.1", "--http2-prior-knowledge"]) {
        const { out, status } = await curl("--compressed", version, `http://127.0.0.1:${port}/`);
        expect(status).not.toBe(0);
        expect(out.toString()).toBe(page); // as far as it came
      }
    });
  });

  test("waits for a slow client without piling up", async () => {
    const noise = Buffer.from(Array.from({ length: 256 * 1024 }, () => Math.trunc(random() * 256)));
    const pieces = 100;
    let sent = 0;
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      controller.enqueue(noise);
      sent++;
      await Bun.sleep(0);
      if (sent === pieces) controller.close();
    };
    using origin = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response(new ReadableStream({ pull }), { headers: { "Content-Type": "text/html" } }),
    });
    await before(origin.port ?? 0, async (port, driver) => {
      const atFirst = driver.residentBytes();
      await using client = await RawClient.connect(port);
      client.pause();
      client.send(get("/", "Accept-Encoding: zstd\r\n"));
      let last = -1;
      await waitFor("the server to be held back", () => {
        const isHeld = sent > 0 && sent === last;
        last = sent;
        return isHeld;
      });
      expect(sent).toBeLessThan(pieces);
      expect(driver.residentBytes() - atFirst).toBeLessThan(40 * 2 ** 20);
      client.resume();
      const answer = await client.expectEnd();
      expect(sent).toBe(pieces);
      const chunks = bodyOf(answer);
      const whole: Buffer[] = [];
      for (let at = 0; ;) {
        const lineEnd = chunks.indexOf("\r\n", at);
        const length = Number.parseInt(chunks.toString("latin1", at, lineEnd), 16);
        if (length === 0) break;
        whole.push(chunks.subarray(lineEnd + 2, lineEnd + 2 + length));
        at = lineEnd + 4 + length;
      }
      const body = zlib.zstdDecompressSync(Buffer.concat(whole));
      expect(body.equals(Buffer.concat(Array.from({ length: pieces }, () => noise)))).toBeTrue();
    });
  });

  test("lets go of what clients break off", async () => {
    const begun = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9999\r\n\r\n${page}`;
    await using origin = new RawServer((connection) => connection.send(begun));
    await before(origin.port, async (port, driver) => {
      const atFirst = driver.residentBytes();
      for (let round = 0; round < 5; round++) {
        await using crowd = await Crowd.open(port, 250);
        await crowd.countAll(get("/", "Accept-Encoding: br\r\n"), 100);
        crowd.cut();
        for (let open = 1; open > 0;) open = (await driver.nextStatus()).connections;
      }
      // Each held 0.8 MiB, 950 MiB in all; and as no more than 256 MiB may be held, the next answer would go as it is.
      expect(driver.residentBytes() - atFirst).toBeLessThan(500 * 2 ** 20);
      await using client = await RawClient.connect(port);
      client.send(get("/", "Accept-Encoding: br\r\n"));
      await client.expect("Content-Encoding: br\r\n");
    });
  });
});
