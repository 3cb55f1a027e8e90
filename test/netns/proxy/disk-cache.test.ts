import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheTag, cacheTagName } from "../../../src/base/cache-folder.ts";
import { noContent } from "../../../src/config/content-plan.ts";
import type { DiskStatus } from "../../../src/ipc/disk-note.ts";
import { diskName, fileOf } from "../../../src/proxy/cache/disk/disk-files.ts";
import { behindDiskCache, disk, files, usualDiskCache, written } from "../../support/disk-cache-lab.ts";
import { waitFor } from "../../support/lab.ts";
import {
  freePort,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { ask, RawServer, type Script } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const folder = mkdtempSync(join(tmpdir(), "edge-ha-disk-"));
afterAll(() => rmSync(folder, { recursive: true }));

const get = (path: string, lines = "", method = "GET"): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\n${lines}Connection: close\r\n\r\n`;
const source = (answer: string): string => /X-Cache: (\w+)/.exec(answer)?.[1] ?? "";
const requests = (origin: RawServer): number =>
  origin.connections
    .map(({ received }) => received)
    .join("")
    .split(" HTTP/1.1\r\nHost: a\r\n").length - 1;
const ok = (lines: string, body = "hello"): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${lines}\r\n${body}`;

/** What the server has at a path: that, as often as the number at its end says if it is large. */
function bodyOf(path: string): string {
  const count = Number(/\d+$/.exec(path)?.[0] ?? 0);
  return count < 1000 ? path : path.repeat(count);
}

const byPath: Script = (connection, bytes) => {
  const [method, path = ""] = bytes.split(" ");
  const isGet = method === "GET";
  connection.send(isGet ? ok("Cache-Control: max-age=600\r\n", bodyOf(path)) : "HTTP/1.1 204 Done\r\n\r\n");
};

const byLanguage: Script = (connection, bytes) => {
  const language = /Accept-Language: (\w+)/.exec(bytes)?.[1] ?? "none";
  connection.send(
    ok(
      'Cache-Control: max-age=6000\r\nETag: "1"\r\nVary: Accept-Language\r\nAge: 1000\r\nX-Name: \xe9\r\n',
      `hello ${language}`,
    ),
  );
};

describe("the cache on disk", () => {
  test("outlives a restart, with variants, parts and ages", async () => {
    await behindDiskCache(byLanguage, {}, async (setting) => {
      const { origin, path, port, restart } = setting;
      for (const language of ["de", "fr", "it"])
        expect(source(await ask(port, get("/", `Accept-Language: ${language}\r\n`)))).toBe("MISS");
      await written(setting, 3);
      expect(statSync(path).mode & 0o777).toBe(0o700);
      for (const file of files(path)) {
        expect(statSync(file).mode & 0o777).toBe(0o600);
        expect(statSync(join(file, "..")).mode & 0o777).toBe(0o700);
      }
      await restart();
      const again = await ask(port, get("/", "Accept-Language: fr\r\n"));
      expect(again).toMatch(/\r\nX-Name: \xe9\r\n[^]*Age: 10\d\d\r\nX-Cache: HIT\r\n[^]*hello fr$/);
      const part = await ask(port, get("/", "Accept-Language: de\r\nRange: bytes=6-7\r\n"));
      expect(part).toMatch(/^HTTP\/1\.1 206 [^]*\r\n\r\nde$/);
      expect(await ask(port, get("/", "Accept-Language: it\r\n", "HEAD"))).toContain("Content-Length: 8\r\n");
      const unchanged = get("/", 'Accept-Language: it\r\nIf-None-Match: "1"\r\n');
      expect(await ask(port, unchanged)).toStartWith("HTTP/1.1 304 ");
      expect(
        source(await ask(port, get("/", "Accept-Language: de\r\nCache-Control: only-if-cached\r\n"))),
      ).toBe("HIT");
      expect(requests(origin)).toBe(3);
      expect(source(await ask(port, get("/", "Accept-Language: en\r\n")))).toBe("MISS");
      const { found, stored } = await disk(setting);
      expect({ found, stored }).toEqual({ found: 3, stored: 1 });
    });
  });

  test("shows what is stale as that in memory is shown, and has one look for many", async () => {
    let isUp = true;
    let count = 0;
    const script: Script = (connection) => {
      if (isUp) connection.send(ok('Cache-Control: max-age=1\r\nAge: 1\r\nETag: "x"\r\n', `body${++count}`));
      else connection.socket.end();
    };
    await behindDiskCache(script, { staleWhileRevalidateMs: 600_000 }, async (setting) => {
      expect(await ask(setting.port, get("/"))).toEndWith("body1");
      await written(setting, 1);
      await setting.restart();
      const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ask(setting.port, get("/"))));
      const sources = answers.map(source);
      // Whoever comes when it is asked for anew already is told so.
      expect(sources.filter((one) => one !== "STALE" && one !== "UPDATING")).toEqual([]);
      expect(sources).toContain("STALE");
      expect((await disk(setting)).found).toBe(1);
      await waitFor("a newer answer", async () => (await ask(setting.port, get("/"))).endsWith("body3"));
    });
    await behindDiskCache(script, { staleIfErrorMs: 600_000 }, async (setting) => {
      const first = await ask(setting.port, get("/"));
      await written(setting, 1);
      await setting.restart();
      isUp = false;
      const answer = await ask(setting.port, get("/"));
      expect(source(answer)).toBe("STALE");
      expect(answer.slice(-5)).toBe(first.slice(-5));
      expect(await ask(setting.port, get("/other"))).toStartWith("HTTP/1.1 502 ");
    });
  });

  test("forgets what is purged and what requests change, though nobody had time to remove the files", async () => {
    await behindDiskCache(byPath, {}, async (setting) => {
      const { driver, path, port, restart } = setting;
      const sources = async (...paths: readonly string[]): Promise<readonly string[]> =>
        Promise.all(paths.map(async (one) => source(await ask(port, get(one)))));
      await sources("/a", "/b/1", "/b/2", "/c");
      await written(setting, 4);
      await ask(port, get("/a", "Content-Length: 0\r\n", "PUT"));
      await written(setting, 3);
      driver().send({ kind: "purge", pattern: "a/b*" });
      await written(setting, 1);
      expect(await sources("/c", "/b/1", "/a")).toEqual(["HIT", "MISS", "MISS"]);
      await written(setting, 3);
      // As by a process that was killed behind the first step of a purge.
      appendFileSync(join(path, "purged"), `${JSON.stringify([Date.now(), "http://a/c"])}\n[17`);
      await restart();
      expect(await sources("/c", "/b/1", "/a")).toEqual(["MISS", "HIT", "HIT"]);
      await waitFor("the file is gone", () => !existsSync(join(path, "purged")));
      await written(setting, 3);
      driver().send({ kind: "purge", pattern: "*" });
      await written(setting, 0);
    });
  });

  test("takes no file for an answer that is not as it was written, and asks the server anew", async () => {
    const damages: Readonly<Record<string, (file: string) => void>> = {
      "/body": (file) => flip(file, -1),
      "/description": (file) => flip(file, 40),
      "/length": (file) => flip(file, 9),
      "/cut": (file) => truncateSync(file, statSync(file).size - 1),
      "/more": (file) => appendFileSync(file, "x"),
      "/empty": (file) => truncateSync(file, 0),
      "/another": (file) => copyFileSync(join(file, "..", "..", "another"), file),
      "/link": (file) => replace(file, () => symlinkSync("/etc/passwd", file)),
      "/pipe": (file) => replace(file, () => spawnSync("mkfifo", [file])),
      "/folder": (file) => replace(file, () => mkdirSync(file)),
    };
    const paths = Object.keys(damages);
    await behindDiskCache(byPath, {}, async (setting) => {
      const { driver, path, port, restart } = setting;
      await Promise.all(paths.map((one) => ask(port, get(one))));
      await written(setting, paths.length);
      const fileAt = (one: string): string => join(path, fileOf(diskName(`http://a${one}`), 0));
      copyFileSync(fileAt("/cut"), join(path, "another"));
      for (const one of paths) damages[one]?.(fileAt(one));
      writeFileSync(join(path, "ab"), "no folder"); // entries that belong there cannot be written
      mkdirSync(join(path, "new", "of-somebody-else"));
      await restart();
      const check = async (): Promise<readonly string[]> =>
        Promise.all(
          paths.map(async (one) => {
            const answer = await ask(port, get(one));
            expect(answer).toEndWith(`\r\n\r\n${one}`);
            return source(answer);
          }),
        );
      expect(new Set(await check())).toEqual(new Set(["MISS"]));
      expect(new Set(await check())).toEqual(new Set(["HIT"]));
      const isWhole = (one: string): boolean => readFileSync(fileAt(one), "latin1").endsWith(one);
      const others = paths.filter((one) => one !== "/folder" && one !== "/another");
      await waitFor("they are written anew", () =>
        others.every((one) => existsSync(fileAt(one)) && isWhole(one)),
      );
      const { damaged, failed } = await disk(setting);
      expect(damaged).toBe(paths.length - 1);
      expect(failed).toBeGreaterThan(0);
      expect(driver().log()).toMatch(/is not what was written/);
      expect(readFileSync("/etc/passwd", "latin1")).toContain("root");
    });
  });

  test("never has a part of an answer, whenever its process is killed", async () => {
    await behindDiskCache(byPath, {}, async (setting) => {
      const { driver, path, port, restart } = setting;
      for (let round = 0; round < 4; round++) {
        const asked = ["/a", "/b", "/c", "/d"].map((one) => `${one}/${round}/100000`);
        const answers = asked.map((one) => ask(port, get(one)).catch(() => ""));
        await waitFor("something is being written", () => existsSync(join(path, "new")));
        await Bun.sleep(5 * round);
        driver().kill();
        await Promise.all(answers);
        await restart();
        for (const one of asked) {
          const answer = await ask(port, get(one));
          expect(answer.slice(answer.indexOf("\r\n\r\n") + 4) === bodyOf(one)).toBe(true);
        }
      }
      expect((await disk(setting)).damaged).toBe(0);
    });
  });

  test.each([
    ["full", "remount", "ENOSPC"],
    ["read-only", "remount,ro", "EROFS"],
  ])("that is %s keeps no answer from anybody, and is told of once", async (_, options, code) => {
    const port = freePort();
    const path = mkdtempSync(join(folder, "small-"));
    await using origin = new RawServer(byPath);
    const content = { ...noContent, cache: { ...usualDiskCache, disk: { path, bytes: 2 ** 30 } } };
    const plan = simplePlan(port, [upstreamServer(origin.port)], {
      sites: [site(["*"], [route("/", "apps", { content })])],
    });
    // A file system of its own, which ends with the process.
    const steps = [
      `mount -t tmpfs -o size=300k,mode=700 none ${path}`,
      `cp ${path}-tag ${path}/${cacheTagName}`,
      `mount -o ${options} ${path}`,
      'exec "$0" "$@"',
    ];
    writeFileSync(`${path}-tag`, cacheTag);
    await using driver = await ProxyDriver.start(
      plan,
      [],
      ["unshare", "--mount", "sh", "-c", steps.join(" && ")],
    );
    for (let count = 0; count < 20; count++)
      expect(await ask(port, get(`/${count}/10000`))).toEndWith(`\r\n\r\n${bodyOf(`/${count}/10000`)}`);
    let status: DiskStatus | undefined;
    await waitFor("a failure", async () => {
      status = (await driver.nextStatus()).disks[0];
      return (status?.failed ?? 0) > 0;
    });
    expect(status?.failure).toContain(code);
    expect(driver.log().split(code)).toHaveLength(2);
    if (code === "EROFS") return;
    // Room is made for newer ones.
    await waitFor("newer answers are written", async () => {
      const before = status?.stored ?? 0;
      for (let count = 0; count < 3; count++) await ask(port, get(`/more-${Math.random()}/3000`));
      status = (await driver.nextStatus()).disks[0];
      return (status?.stored ?? 0) > before;
    });
    expect(status?.bytes).toBeLessThan(300 * 1024);
  });
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

function replace(file: string, by: () => void): void {
  rmSync(file);
  by();
}
