import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blockBytes } from "../../../../src/proxy/cache/disk/body-sums.ts";
import { DiskFolder } from "../../../../src/proxy/cache/disk/disk-folder.ts";
import { OpenBodies } from "../../../../src/proxy/cache/disk/open-bodies.ts";
import { DamagedFile, type OpenBody } from "../../../../src/proxy/cache/disk/open-body.ts";
import { until } from "../../../support/cache-plans.ts";
import { bodyOf, entry, LongBodies, noise, random, readAll } from "../../../support/long-bodies.ts";

describe("a long body on disk", () => {
  test("stays in its file, and is read in blocks, from anywhere to anywhere", async () => {
    using disk = new LongBodies();
    const body = bodyOf(1);
    await disk.write("/x", body);
    const file = await disk.file("/x");
    expect(file.length).toBe(body.length);
    expect((await readAll(file)).equals(body)).toBeTrue();
    for (let round = 0; round < 20; round++) {
      const start = Math.trunc(random() * body.length);
      const end = start + 1 + Math.trunc(random() * (body.length - start));
      expect((await readAll(file, start, end)).equals(body.subarray(start, end))).toBeTrue();
    }
    file.release();
    await until(() => disk.open() === 0);
    // What fits into a few blocks is read as a whole.
    await disk.write("/short", bodyOf(2, 4 * blockBytes));
    expect((await disk.find("/short"))?.body).toEqual(bodyOf(2, 4 * blockBytes));
    expect(disk.open()).toBe(0);
  });

  test("is the same to its end, whatever becomes of the name meanwhile", async () => {
    using disk = new LongBodies();
    await disk.write("/x", bodyOf(1));
    const first = await disk.file("/x");
    const begun = await readAll(first, 0, blockBytes);
    await disk.write("/x", bodyOf(2));
    const second = await disk.file("/x");
    expect(second).not.toBe(first);
    disk.cache.removeUrl("http://a/x");
    await until(() => disk.notes.at(-1)?.kind === "gone");
    expect(Buffer.concat([begun, await readAll(first, blockBytes)]).equals(bodyOf(1))).toBeTrue();
    expect((await readAll(second)).equals(bodyOf(2))).toBeTrue();
    expect(await disk.find("/x")).toBeNull();
    first.release();
    second.release();
    await until(() => disk.open() === 0);
  });

  test("is opened once for all who send it, and closed by the last", async () => {
    using disk = new LongBodies();
    await disk.write("/x", bodyOf(1));
    const [one, other] = await Promise.all([disk.file("/x"), disk.file("/x")]);
    expect(other).toBe(one);
    await until(() => disk.open() === 1);
    one.release();
    // One who reads holds it, too.
    const last = other.read(0, 1, 4);
    other.release();
    expect((await last).end).toBe(1);
    await until(() => disk.open() === 0);
  });

  test("is given no further where the file is cut off or has other bytes, and not found again", async () => {
    const damages: readonly ((file: string) => void)[] = [
      (file) => truncateSync(file, 3 * blockBytes),
      (file) => {
        const bytes = readFileSync(file);
        const at = bytes.length - 2 * blockBytes;
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        writeFileSync(file, bytes);
      },
      (file) => writeFileSync(file, ""),
    ];
    for (const damage of damages) {
      using disk = new LongBodies();
      const path = await disk.write("/x", bodyOf(1));
      const file = await disk.file("/x");
      const begun = await readAll(file, 0, 2 * blockBytes);
      damage(path);
      const rest = await readAll(file, 2 * blockBytes).catch((error: unknown) => error);
      expect(rest).toBeInstanceOf(DamagedFile);
      expect(begun.equals(bodyOf(1).subarray(0, begun.length))).toBeTrue();
      file.release();
      await until(() => disk.notes.at(-1)?.kind === "gone");
      expect(disk.cache.status()).toMatchObject({ damaged: 1, failed: 0 });
      expect(await disk.find("/x")).toBeNull();
      await until(() => disk.open() === 0);
    }
  });

  test("that is damaged at its beginning, or in its sums, is not found", async () => {
    for (const at of [400, -1]) {
      using disk = new LongBodies();
      const path = await disk.write("/x", bodyOf(1));
      const bytes = readFileSync(path);
      const index = at < 0 ? bytes.length + at : at;
      bytes[index] = (bytes[index] ?? 0) ^ 1;
      writeFileSync(path, bytes);
      expect(await disk.find("/x")).toBeNull();
      await until(() => disk.cache.status().damaged === 1 && disk.open() === 0);
    }
  });

  test("is left to a server where too many are open", async () => {
    using disk = new LongBodies();
    const folder = new DiskFolder(disk.path);
    const heard: string[] = [];
    const bodies = new OpenBodies(
      { failed: () => void heard.push("failed"), full: () => void heard.push("full") },
      2,
    );
    const take = async (path: string): Promise<OpenBody | null> => {
      const name = (await disk.write(path, bodyOf(path.length))).slice(disk.path.length + 1);
      const { body } = await folder.read(name, () => true);
      if (body === null || Buffer.isBuffer(body)) throw new Error("it is in no file");
      return bodies.take(name, body);
    };
    const [one, two, three] = [await take("/1"), await take("/22"), await take("/333")];
    expect([one === null, two === null, three === null, heard]).toEqual([false, false, true, ["full"]]);
    two?.release();
    const again = await take("/4444");
    expect(again).not.toBeNull();
    again?.release();
    one?.release();
    await until(() => disk.open() === 0);
  });
});

/** Cuts a body into pieces as they come from a server. */
function cut(body: Buffer): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const to = at + 1 + Math.trunc(random() * 300_000);
    parts.push(body.subarray(at, to));
    at = to;
  }
  return parts;
}

describe("a long answer that is written while it comes", () => {
  const noBody = Buffer.alloc(0);

  test("is there when it is done, and not before", async () => {
    using disk = new LongBodies();
    const writing = disk.cache.begin(entry("/x", noBody));
    for (const part of cut(bodyOf(1))) {
      expect(writing?.append(part)).toBeTrue();
      expect(await disk.find("/x")).toBeNull();
    }
    expect(await new Promise((resolve) => writing?.finish(resolve))).toBe(true);
    const file = await disk.file("/x");
    expect((await readAll(file)).equals(bodyOf(1))).toBeTrue();
    file.release();
    await until(() => disk.open() === 0);
    expect(disk.cache.status()).toMatchObject({ stored: 1, skipped: 0, failed: 0 });
    expect(readdirSync(join(disk.path, "new"))).toEqual([]);
  });

  test("leaves nothing where it breaks off, or was purged meanwhile", async () => {
    using disk = new LongBodies();
    const broken = disk.cache.begin(entry("/x", noBody));
    const purged = disk.cache.begin(entry("/y", noBody));
    for (const part of cut(bodyOf(1))) for (const one of [broken, purged]) one?.append(part);
    broken?.drop();
    expect(broken?.append(bodyOf(1))).toBeFalse();
    disk.cache.removeUrl("http://a/y");
    disk.marks.addUrl("http://a/y", performance.now());
    expect(await new Promise((resolve) => purged?.finish(resolve))).toBe(false);
    expect([await disk.find("/x"), await disk.find("/y")]).toEqual([null, null]);
    await until(() => disk.open() === 0 && readdirSync(join(disk.path, "new")).length === 0);
    expect(disk.cache.status()).toMatchObject({ stored: 0, failed: 0 });
  });

  test("is given up where the disk has no room, and nothing is written for a moment", async () => {
    class Full extends DiskFolder {
      override begin(): Promise<never> {
        return Promise.reject(Object.assign(new Error("no room"), { code: "ENOSPC" }));
      }
    }
    using disk = new LongBodies((path) => new Full(path));
    const writing = disk.cache.begin(entry("/x", noBody));
    writing?.append(bodyOf(1));
    await until(() => disk.notes.at(-1)?.kind === "full");
    await until(() => writing?.append(bodyOf(1)) === false);
    expect(await new Promise((resolve) => writing?.finish(resolve))).toBe(false);
    expect(disk.cache.begin(entry("/y", noBody))).toBeNull();
    expect(disk.cache.status()).toMatchObject({ stored: 0, failed: 1 });
  });

  test("is given up where the disk cannot follow", async () => {
    class Hanging extends DiskFolder {
      override begin(): Promise<never> {
        return new Promise(() => undefined);
      }
    }
    using disk = new LongBodies((path) => new Hanging(path));
    const writing = disk.cache.begin(entry("/x", noBody));
    let taken = 0;
    while (writing?.append(noise) === true) taken += noise.length;
    expect(taken).toBeGreaterThan(29 * 2 ** 20);
    expect(taken).toBeLessThanOrEqual(32 * 2 ** 20);
    expect(disk.cache.status().skipped).toBe(1);
    expect(await new Promise((resolve) => writing?.finish(resolve))).toBe(false);
  });
});
