import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readlinkSync, truncateSync } from "node:fs";
import zlib from "node:zlib";
import { behindDiskCache, disk, files, written, type DiskSetting } from "../../support/disk-cache-lab.ts";
import { waitFor } from "../../support/lab.ts";
import { flag, frameType } from "../../../src/proxy/http2/frames.ts";
import { RawHttp2Client, type CameFrame } from "../../support/raw-http2.ts";
import { ask, RawClient, type Script } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const bodies = new Map<string, string>();

/** What each version of the server's answer is: lines that say where they stand, so that none can be in another's place. */
function bodyOf(version: string, length: number): string {
  const key = `${version} ${length}`;
  const body = bodies.get(key) ?? madeBody(version, length);
  bodies.set(key, body);
  return body;
}

function madeBody(version: string, length: number): string {
  const count = Math.ceil(length / 16);
  const lines = Array.from({ length: count }, (_, index) => `${version}${String(index).padStart(14, " ")}\n`);
  return lines.join("").slice(0, length);
}

const get = (path: string, lines = "", method = "GET"): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\n${lines}Connection: close\r\n\r\n`;
const headOf = (answer: string): string => answer.slice(0, answer.indexOf("\r\n\r\n") + 2);
const contentOf = (answer: string): string => answer.slice(answer.indexOf("\r\n\r\n") + 4);
const source = (answer: string): string => /X-Cache: (\w+)/.exec(answer)?.[1] ?? "";

/** How many descriptors the proxy has open below the folder. */
function open({ driver, path }: DiskSetting): number {
  const folder = `/proc/${driver().pid}/fd`;
  return readdirSync(folder).filter((number) => {
    try {
      return readlinkSync(`${folder}/${number}`).startsWith(path);
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

function isPingAnswer({ flags, type }: CameFrame): boolean {
  return type === frameType.ping && (flags & flag.ack) !== 0;
}

const long = 3_000_001;
/** Twice what sockets hold for a client that does not read: 4 MB on the way out and 6 on the way in. */
const veryLong = 24_000_000;
const plan = { maxObjectBytes: 32 * 1024 ** 2 };

describe("a long answer on disk", () => {
  test("is sent from its file: whole, in parts, encoded, over HTTP/2 and after a 304", async () => {
    const body = bodyOf("1", long);
    let maxAge = 600;
    const script: Script = (connection, bytes) => {
      const fields = `Content-Type: text/plain\r\nCache-Control: max-age=${maxAge}\r\nETag: "1"\r\n`;
      const isHeld = bytes.includes('If-None-Match: "1"');
      connection.send(
        isHeld
          ? `HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=600\r\nETag: "1"\r\n\r\n`
          : `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`,
      );
    };
    const compression = {
      codings: ["gzip" as const],
      types: ["text/plain"],
      minBytes: 100,
      levels: { gzip: 1, br: 1, zstd: 1 },
    };
    const run = async (setting: DiskSetting): Promise<void> => {
      const { port, restart } = setting;
      expect(contentOf(await ask(port, get("/"))) === body).toBeTrue();
      await written(setting, 1);
      await restart();
      const all = await Promise.all([1, 2, 3].map(() => ask(port, get("/"))));
      for (const answer of all) {
        expect([source(answer), contentOf(answer) === body]).toEqual(["HIT", true]);
        expect(headOf(answer)).toContain(`Content-Length: ${long}\r\n`);
      }
      for (const [first, last] of [
        [0, 0],
        [262_143, 262_144],
        [100_000, 1_900_000],
        [long - 3, long - 1],
      ] as const) {
        const part = await ask(port, get("/", `Range: bytes=${first}-${last}\r\nIf-Range: "1"\r\n`));
        expect(headOf(part)).toMatch(/^HTTP\/1\.1 206 /);
        expect(contentOf(part) === body.slice(first, last + 1)).toBeTrue();
      }
      expect(await ask(port, get("/", "", "HEAD"))).toContain(`Content-Length: ${long}\r\n`);
      expect(await ask(port, get("/", 'If-None-Match: "1"\r\n'))).toStartWith("HTTP/1.1 304 ");
      const coded = await fetch(`http://127.0.0.1:${port}/`, {
        decompress: false,
        headers: { "Accept-Encoding": "gzip", Host: "a" },
      });
      expect([coded.headers.get("x-cache"), coded.headers.get("content-encoding")]).toEqual(["HIT", "gzip"]);
      expect(zlib.gunzipSync(Buffer.from(await coded.arrayBuffer())).toString() === body).toBeTrue();
      const curl = Bun.spawn(
        ["curl", "--silent", "--http2-prior-knowledge", "-H", "Host: a", `http://127.0.0.1:${port}/`],
        { stdio: ["ignore", "pipe", "ignore"] },
      );
      expect((await new Response(curl.stdout).text()) === body).toBeTrue();
      await waitFor("all descriptors to be closed", () => open(setting) === 0);
      const { damaged, failed } = await disk(setting);
      expect({ damaged, failed }).toEqual({ damaged: 0, failed: 0 });
    };
    await behindDiskCache(script, plan, run, { compression });
    maxAge = 0;
    await behindDiskCache(script, plan, async (setting) => {
      await ask(setting.port, get("/"));
      await written(setting, 1);
      await setting.restart();
      const sources: string[] = [];
      await waitFor("the file to be written anew", async () => {
        const answer = await ask(setting.port, get("/"));
        expect(contentOf(answer) === body).toBeTrue();
        sources.push(source(answer));
        return source(answer) === "HIT";
      });
      expect(sources[0]).toBe("REVALIDATED");
      await waitFor("all descriptors to be closed", () => open(setting) === 0);
    });
  });

  test("is never mixed with another, and is broken off where its file is; who is gone leaves none open", async () => {
    let version = "1";
    const script: Script = (connection) => {
      const body = bodyOf(version, veryLong);
      connection.send(
        `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nCache-Control: max-age=600\r\n\r\n${body}`,
      );
    };
    await behindDiskCache(script, plan, async (setting) => {
      const { driver, origin, path, port, restart } = setting;
      /** A client that has begun to read, and goes on when it is told. */
      const begun = async (): Promise<RawClient> => {
        const client = await RawClient.connect(port);
        client.pauseAt("\r\n\r\n");
        client.send(get("/"));
        await client.expect("\r\n\r\n");
        expect(source(client.received)).toBe("HIT");
        return client;
      };
      // All wait for one, and then are sent what it has left on the disk.
      const all = await Promise.all([1, 2, 3].map(() => ask(port, get("/"))));
      expect(all.map(source).toSorted()).toEqual(["HIT", "HIT", "MISS"]);
      for (const answer of all) expect(contentOf(answer) === bodyOf("1", veryLong)).toBeTrue();
      expect(origin.connections.map(({ received }) => received.split("GET ").length - 1)).toEqual([1]);
      await restart();
      await using old = await begun();
      driver().send({ kind: "purge", pattern: "*" });
      await written(setting, 0);
      version = "2";
      const fresh = await ask(port, get("/"));
      expect([source(fresh), contentOf(fresh) === bodyOf("2", veryLong)]).toEqual(["MISS", true]);
      old.resume();
      expect(contentOf(await old.expectEnd()) === bodyOf("1", veryLong)).toBeTrue();

      await written(setting, 1);
      await restart();
      await using cut = await begun();
      for (const file of files(path)) truncateSync(file, veryLong / 2);
      version = "3";
      cut.resume();
      const rest = contentOf(await cut.expectEnd());
      expect(rest.length).toBeLessThan(veryLong);
      expect(bodyOf("2", veryLong).startsWith(rest)).toBeTrue();
      const anew = await ask(port, get("/"));
      expect([source(anew), contentOf(anew) === bodyOf("3", veryLong)]).toEqual(["MISS", true]);

      await written(setting, 1);
      await restart();
      await using gone = await begun();
      expect(open(setting)).toBe(1);
      gone.cut();
      await waitFor("all descriptors to be closed", () => open(setting) === 0);
    });
  });

  test("is handed to all who have waited for it, or for a 304: nobody asks after it again", async () => {
    const body = bodyOf("1", long);
    const held: (() => void)[] = [];
    let [isFirst, count] = [true, 0];
    const script: Script = (connection, bytes) => {
      count++;
      const maxAge = isFirst ? 0 : 5; // too short for the file to be written anew
      isFirst = false;
      const fields = `Cache-Control: max-age=${maxAge}\r\nETag: "1"\r\nVary: Accept-Language\r\n`;
      const answer = bytes.includes("If-None-Match")
        ? `HTTP/1.1 304 Not Modified\r\n${fields}\r\n`
        : `HTTP/1.1 200 OK\r\nContent-Length: ${long}\r\n${fields}\r\n${body}`;
      held.push(() => connection.send(answer));
    };
    const release = async (atPlace: number): Promise<void> => {
      await waitFor(`request ${atPlace}`, () => count === atPlace);
      held[atPlace - 1]?.();
    };
    await behindDiskCache(script, plan, async (setting) => {
      const first = ask(setting.port, get("/", "Accept-Language: de\r\n"));
      await release(1);
      expect(source(await first)).toBe("MISS");
      await written(setting, 1);
      await setting.restart();

      await using client = await RawHttp2Client.connect(setting.port);
      /** Asks on streams, and waits until all of them are known to the proxy. */
      const askOn = async (languages: Readonly<Record<number, string>>): Promise<void> => {
        for (const [stream, language] of Object.entries(languages))
          client.request(Number(stream), { range: "bytes=0-15", "accept-language": language });
        const before = client.frames.length;
        client.frame(frameType.ping, 0, 0, Buffer.alloc(8));
        await waitFor("the ping's answer", () => client.frames.slice(before).some(isPingAnswer));
      };
      await askOn({ 1: "de", 3: "de", 5: "de", 7: "de" });
      await release(2);
      for (const stream of [1, 3, 5, 7]) expect(await client.status(stream)).toBe("206");
      expect(count).toBe(2);

      // Who wants another variant goes on alone, and the others do not wait for that.
      setting.driver().send({ kind: "purge", pattern: "*" });
      await written(setting, 0);
      const leader = ask(setting.port, get("/", "Accept-Language: de\r\n"));
      await waitFor("the next request", () => count === 3);
      await askOn({ 9: "fr", 11: "de", 13: "de" });
      await release(3);
      expect(source(await leader)).toBe("MISS");
      for (const stream of [11, 13]) expect(await client.status(stream)).toBe("206");
      await release(4);
      expect(await client.status(9)).toBe("200"); // a part that nobody has is the server's to give
      expect(count).toBe(4);
    });
  });
});
