import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { noContent, type CachePlan } from "../../../src/config/content-plan.ts";
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
import { RawHttp2Client } from "../../support/raw-http2.ts";
import { ask, RawClient, RawServer, type Script } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const usual: CachePlan = {
  maxObjectBytes: 1024 ** 2,
  ttlMs: 0,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  lockTimeoutMs: 5000,
  disk: null,
};

async function behind(
  script: Script,
  plan: Partial<CachePlan>,
  run: (port: number, origin: RawServer, driver: ProxyDriver) => Promise<void>,
): Promise<void> {
  const port = freePort();
  await using origin = new RawServer(script);
  const content = { ...noContent, cache: { ...usual, ...plan } };
  const sites = [site(["*"], [route("/", "apps", { content, readTimeoutMs: 20_000 })])];
  const listeners = [listener(port, { http2: true })];
  await using driver = await ProxyDriver.start(
    simplePlan(port, [upstreamServer(origin.port)], { sites, listeners }),
  );
  await run(port, origin, driver);
  expect(driver.log()).toBe("");
}

const get = (path: string, lines = "", method = "GET"): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\n${lines}Connection: close\r\n\r\n`;
const source = (answer: string): string => /X-Cache: (\w+)/.exec(answer)?.[1] ?? "";
const seen = (origin: RawServer): string => origin.connections.map(({ received }) => received).join("");
const requests = (origin: RawServer): number => seen(origin).split(" HTTP/1.1\r\nHost: a\r\n").length - 1;
const ok = (lines: string, body = "hello"): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${lines}\r\n${body}`;

const fresh: Script = (connection) =>
  connection.send(
    'HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nETag: "1"\r\nTransfer-Encoding: chunked\r\nAge: 70\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  );

const silentAtFirst: Script = (connection) => {
  if (connection.received.includes("\r\nX-First: 1")) return;
  connection.send(ok("Cache-Control: max-age=60\r\n"));
};

const changeable: Script = (connection, bytes) => {
  if (bytes.startsWith("POST"))
    connection.send("HTTP/1.1 201 Made\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n");
  else
    connection.send(
      ok("Cache-Control: max-age=60\r\n", bytes.includes("/large") ? "x".repeat(2000) : "hello"),
    );
};

describe("the cache", () => {
  test("answers what is fresh, in its parts and to HEAD, and asks the server once", async () => {
    await behind(fresh, {}, async (port, origin) => {
      const first = await ask(port, get("/"));
      expect(source(first)).toBe("MISS");
      expect(first).toEndWith("5\r\nhello\r\n0\r\n\r\n");
      const second = await ask(port, get("/"));
      expect(second).toMatch(/Age: 7\d\r\nX-Cache: HIT\r\n/);
      expect(second).toContain("Content-Length: 5\r\n");
      expect(second).toEndWith("\r\n\r\nhello");
      expect(await ask(port, get("/", "Range: bytes=1-2\r\n"))).toMatch(/^HTTP\/1\.1 206 [^]*\r\n\r\nel$/);
      expect(await ask(port, get("/", 'If-None-Match: "1"\r\n'))).toMatch(/^HTTP\/1\.1 304 [^]*\r\n\r\n$/);
      expect(await ask(port, get("/", "", "HEAD"))).toMatch(
        /^HTTP\/1\.1 200 [^]*Content-Length: 5[^]*\r\n\r\n$/,
      );
      expect(requests(origin)).toBe(1);
      expect(source(await ask(port, get("/", "Cache-Control: only-if-cached\r\n")))).toBe("HIT");
      expect(await ask(port, get("/other", "Cache-Control: only-if-cached\r\n"))).toStartWith(
        "HTTP/1.1 504 ",
      );
      // A connection goes on behind answers from the store.
      await using client = await RawClient.connect(port);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3));
      await waitFor("three answers", () => client.received.split("hello").length === 4);
    });
  });

  test("sends one of concurrent requests to the server, and the others when it breaks off", async () => {
    let held: (() => void)[] = [];
    const script: Script = (connection, bytes) => {
      const isOpen = bytes.includes("/private");
      held.push(() =>
        connection.send(ok(isOpen ? "Cache-Control: private\r\n" : "Cache-Control: max-age=60\r\n")),
      );
    };
    const release = (): void => {
      for (const one of held) one();
      held = [];
    };
    await behind(script, {}, async (port, origin) => {
      const answers = [1, 2, 3].map(() => ask(port, get("/a")));
      await waitFor("a request", () => requests(origin) === 1);
      await Bun.sleep(50); // others would have come meanwhile
      release();
      expect((await Promise.all(answers)).map(source).sort()).toEqual(["HIT", "HIT", "MISS"]);
      expect(requests(origin)).toBe(1);

      // The one who asks goes away: another takes its place.
      await using leader = await RawClient.connect(port);
      leader.send(get("/b"));
      await waitFor("its request", () => requests(origin) === 2);
      const waiting = [ask(port, get("/b")), ask(port, get("/b"))];
      await Bun.sleep(50);
      leader.cut();
      await waitFor("another request", () => requests(origin) === 3);
      release();
      expect((await Promise.all(waiting)).map(source).sort()).toEqual(["HIT", "MISS"]);

      // What is one client's own is of no use to the others.
      const own = [1, 2, 3].map(() => ask(port, get("/private")));
      await waitFor("one of them", () => requests(origin) === 4);
      await Bun.sleep(50);
      release();
      await waitFor("the others", () => requests(origin) === 6);
      release();
      expect((await Promise.all(own)).map(source)).toEqual(["MISS", "MISS", "MISS"]);
    });
  });

  test("waits no longer than it is told for another's answer", async () => {
    await behind(silentAtFirst, { lockTimeoutMs: 100 }, async (port, origin) => {
      await using leader = await RawClient.connect(port);
      leader.send(get("/", "X-First: 1\r\n"));
      await waitFor("its request", () => requests(origin) === 1);
      expect(source(await ask(port, get("/")))).toBe("MISS");
    });
  });

  test("waits no longer than it is told, however many have failed before it one after the other", async () => {
    let [open, most] = [0, 0];
    const failing: Script = (connection) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open -= 1;
        connection.send("HTTP/1.1 500 Sorry\r\nContent-Length: 0\r\n\r\n");
      }, 250);
    };
    await behind(failing, { lockTimeoutMs: 300 }, async (port) => {
      // All of them at once, over connections that are there: their time begins to run together.
      const clients = await Promise.all(Array.from({ length: 12 }, () => RawClient.connect(port)));
      for (const client of clients) client.send(get("/"));
      for (const client of clients) expect(await client.expectEnd()).toStartWith("HTTP/1.1 500 ");
      expect(most).toBeGreaterThan(5); // those who have waited long enough ask side by side
    });
  });

  test("asks about what is stale, and answers an unchanged one itself", async () => {
    let isNew = false;
    const script: Script = (connection, bytes) => {
      const etag = isNew ? '"2"' : '"1"';
      if (bytes.includes(`If-None-Match: ${etag}\r\n`))
        connection.send(`HTTP/1.1 304 Not Modified\r\nETag: ${etag}\r\n\r\n`);
      else connection.send(ok(`Cache-Control: no-cache\r\nETag: ${etag}\r\n`, isNew ? "newer" : "hello"));
    };
    await behind(script, {}, async (port, origin) => {
      expect(source(await ask(port, get("/")))).toBe("MISS");
      const again = await ask(port, get("/", 'If-None-Match: "9"\r\n'));
      expect(source(again)).toBe("REVALIDATED");
      expect(again).toEndWith("\r\n\r\nhello");
      expect(seen(origin)).not.toContain('"9"');
      expect(await ask(port, get("/", 'If-None-Match: "1"\r\n'))).toStartWith("HTTP/1.1 304 ");
      isNew = true;
      const changed = await ask(port, get("/"));
      expect(source(changed)).toBe("EXPIRED");
      expect(changed).toEndWith("\r\n\r\nnewer");
      // A client that has just this version is told so, though the server sent it whole.
      expect(await ask(port, get("/x", 'If-None-Match: "2"\r\n'))).toStartWith("HTTP/1.1 304 ");
      expect(source(await ask(port, get("/x")))).toBe("REVALIDATED");
    });
  });

  test("shows stale answers while it asks anew, and in place of errors", async () => {
    let mode: "up" | "error" | "cut" = "up";
    let count = 0;
    const script: Script = (connection) => {
      count++;
      if (mode === "cut") connection.socket.end();
      else if (mode === "error") connection.send("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
      else connection.send(ok("Cache-Control: max-age=1\r\nAge: 1\r\n", `body${count}`));
    };
    await behind(script, { staleWhileRevalidateMs: 60_000 }, async (port) => {
      expect(await ask(port, get("/"))).toEndWith("body1");
      const stale = await ask(port, get("/"));
      expect(source(stale)).toBe("STALE");
      expect(stale).toEndWith("body1");
      await waitFor("a newer answer", async () => (await ask(port, get("/"))).endsWith("body3"));
    });
    await behind(script, { staleIfErrorMs: 60_000 }, async (port) => {
      const before = count;
      await ask(port, get("/"));
      mode = "error";
      expect(await ask(port, get("/"))).toMatch(new RegExp(`X-Cache: STALE[^]*body${before + 1}$`));
      mode = "cut";
      expect(await ask(port, get("/"))).toMatch(new RegExp(`X-Cache: STALE[^]*body${before + 1}$`));
      expect(await ask(port, get("/never"))).toStartWith("HTTP/1.1 502 ");
    });
  });

  test("counts the age that an answer had already where it asked by itself", async () => {
    let ageS = 100;
    const script: Script = (connection) => {
      connection.send(ok(`Cache-Control: max-age=100\r\nAge: ${ageS}\r\n`));
      ageS = 50;
    };
    await behind(script, { staleWhileRevalidateMs: 600_000 }, async (port) => {
      await ask(port, get("/"));
      expect(source(await ask(port, get("/")))).toBe("STALE");
      let answer = "";
      await waitFor("what is fresh", async () => {
        answer = await ask(port, get("/"));
        return source(answer) === "HIT";
      });
      expect(answer).toMatch(/\r\nAge: [56]\d\r\n/);
    });
  });

  test("forgets what requests change, what is purged, and what is too large", async () => {
    await behind(changeable, { maxObjectBytes: 1000 }, async (port, _origin, driver) => {
      const sources = async (...paths: readonly string[]): Promise<readonly string[]> =>
        Promise.all(paths.map(async (path) => source(await ask(port, get(path)))));
      await sources("/a", "/b", "/c", "/large");
      expect(await sources("/a", "/b", "/c", "/large")).toEqual(["HIT", "HIT", "HIT", "MISS"]);
      await ask(port, get("/a", "Content-Length: 0\r\n", "POST"));
      expect(await sources("/a", "/b", "/c")).toEqual(["MISS", "MISS", "HIT"]);
      driver.send({ kind: "changed", urls: ["http://a/c"] });
      await waitFor("it to be gone", async () => (await sources("/c"))[0] === "MISS");
      driver.send({ kind: "purge", pattern: "*" });
      await waitFor("all to be gone", async () => (await sources("/a"))[0] === "MISS");
      expect(await sources("/b")).toEqual(["MISS"]);
    });
  });

  test("keeps no answer that was under way when it was purged, or changed", async () => {
    let held: (() => void)[] = [];
    const script: Script = (connection, bytes) => {
      const answer = ok("Cache-Control: max-age=60\r\n");
      if (bytes.startsWith("PUT")) connection.send("HTTP/1.1 204 Done\r\n\r\n");
      else held.push(() => connection.send(answer));
    };
    const release = async (): Promise<void> => {
      await waitFor("a request", () => held.length === 1);
      for (const one of held) one();
      held = [];
    };
    await behind(script, {}, async (port, origin, driver) => {
      const purge = async (): Promise<void> => {
        driver.send({ kind: "purge", pattern: "a/*" });
        await driver.nextStatus(); // it has heard by then
      };
      const change = async (): Promise<void> => {
        await ask(port, get("/a", "Content-Length: 0\r\n", "PUT"));
      };
      for (const happens of [purge, change]) {
        const [first, other] = [ask(port, get("/a")), ask(port, get("/a"))];
        await waitFor("a request", () => held.length === 1);
        await happens();
        await release();
        // Who waited for that answer asks anew.
        await release();
        expect([source(await first), source(await other)]).toEqual(["MISS", "MISS"]);
        expect(source(await ask(port, get("/a")))).toBe("HIT");
        await purge();
      }
      expect(requests(origin)).toBe(5);
    });
  });

  test("answers over HTTP/2 what came over HTTP/1.1, and the reverse, and has one of both ask", async () => {
    let held: (() => void)[] = [];
    const script: Script = (connection) => {
      held.push(() => connection.send(ok('Cache-Control: max-age=60\r\nETag: "1"\r\n')));
    };
    await behind(script, {}, async (port, origin) => {
      await using client = await RawHttp2Client.connect(port);
      const release = async (count: number): Promise<void> => {
        await waitFor("a request", () => requests(origin) === count);
        await Bun.sleep(50); // others would have come meanwhile
        for (const one of held) one();
        held = [];
      };
      const sourceOn = (stream: number): string =>
        client.frames.find((frame) => frame.stream === stream && frame.fields[":status"] !== undefined)
          ?.fields["x-cache"] ?? "";

      client.request(1, { ":path": "/a" });
      client.request(3, { ":path": "/a" });
      const first = ask(port, get("/a"));
      await release(1);
      expect([await client.status(1), await client.status(3)]).toEqual(["200", "200"]);
      expect([sourceOn(1), sourceOn(3), source(await first)].toSorted()).toEqual(["HIT", "HIT", "MISS"]);
      await waitFor(
        "both bodies",
        () => Buffer.concat([client.body(1), client.body(3)]).toString() === "hellohello",
      );

      const other = ask(port, get("/b"));
      await release(2);
      expect(source(await other)).toBe("MISS");
      client.request(5, { ":path": "/b", range: "bytes=1-2" });
      client.request(7, { ":path": "/b", "if-none-match": '"1"' });
      client.request(9, { ":path": "/b", ":method": "HEAD" });
      expect([await client.status(5), await client.status(7), await client.status(9)]).toEqual([
        "206",
        "304",
        "200",
      ]);
      await waitFor("the part", () => client.body(5).toString() === "el");
      expect(requests(origin)).toBe(2);
    });
  });
});
