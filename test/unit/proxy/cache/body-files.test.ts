import { describe, expect, test } from "bun:test";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheTag, cacheTagName } from "../../../../src/base/cache-folder.ts";
import type { CachePlan } from "../../../../src/config/content-plan.ts";
import type { DiskNote } from "../../../../src/ipc/disk-note.ts";
import { fileOfBody, type BodyFile } from "../../../../src/proxy/cache/body-file.ts";
import { blockBytes } from "../../../../src/proxy/cache/disk/body-sums.ts";
import { DiskCache } from "../../../../src/proxy/cache/disk/disk-cache.ts";
import { DiskFolder } from "../../../../src/proxy/cache/disk/disk-folder.ts";
import { OpenBodies } from "../../../../src/proxy/cache/disk/open-bodies.ts";
import { DamagedFile, type OpenBody } from "../../../../src/proxy/cache/disk/open-body.ts";
import { PurgeMarks } from "../../../../src/proxy/cache/purge-marks.ts";
import { restored, type StoredResponse } from "../../../../src/proxy/cache/stored-response.ts";
import { recordingLog } from "../../../support/recording-log.ts";
import { seededRandom } from "../../../support/seeded-random.ts";
import { minuteDiskCache, until } from "../../../support/cache-plans.ts";

const plan: CachePlan = { ...minuteDiskCache, maxObjectBytes: 2 ** 24 };
const random = seededRandom(31);
const noise = Buffer.from(Array.from({ length: 10 * blockBytes }, () => Math.trunc(random() * 256)));
/** Another body of some length for each number. */
const bodyOf = (number: number, length = 5 * blockBytes + 777): Buffer =>
  Buffer.from(noise.subarray(number, number + length));

function entry(path: string, body: Buffer): StoredResponse {
  const askedAt = performance.now();
  const described = {
    url: `http://a${path}`,
    upstream: "apps",
    selecting: [],
    statusLine: "HTTP/1.1 200 OK",
    lines: [],
  };
  return restored(described, body, { plan, bornAt: askedAt, askedAt });
}

class Setting {
  readonly path: string = mkdtempSync(join(tmpdir(), "edge-ha-unit-bodies-"));
  readonly notes: DiskNote[] = [];
  readonly marks: PurgeMarks = new PurgeMarks();
  readonly said: readonly string[];
  readonly cache: DiskCache;

  constructor(make: (path: string) => DiskFolder = (path) => new DiskFolder(path)) {
    writeFileSync(join(this.path, cacheTagName), cacheTag);
    const { log, said } = recordingLog();
    this.said = said;
    const tell = (note: DiskNote): void => void this.notes.push(note);
    this.cache = new DiskCache({ folder: make(this.path), log, marks: this.marks, tell });
    this.cache.configure(1e9, false);
  }

  /** Has a body written; gives its file. */
  async write(path: string, body: Buffer): Promise<string> {
    const before = this.notes.length;
    this.cache.write(entry(path, body));
    await until(() => this.notes.length > before);
    return join(this.path, this.notes[before]?.file ?? "");
  }

  find(path: string): Promise<StoredResponse | null> {
    return new Promise((resolve) => {
      this.cache.find({ url: `http://a${path}`, source: "apps", value: () => null, plan }, resolve);
    });
  }

  async file(path: string): Promise<BodyFile> {
    const found = await this.find(path);
    const file = found === null ? null : fileOfBody(found.body);
    if (file === null) throw new Error(`${path} is in no file`);
    return file;
  }

  /** How many descriptors are open below the folder. */
  open(): number {
    return readdirSync("/proc/self/fd").filter((number) => linkOf(number).startsWith(this.path)).length;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return "";
  }
}

async function readAll(file: BodyFile, start = 0, end = file.length): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let at = start; at < end;) {
    const piece = await file.read(at, end);
    parts.push(piece.bytes.subarray(piece.start, piece.end));
    at += piece.end - piece.start;
  }
  return Buffer.concat(parts);
}

describe("a long body on disk", () => {
  test("stays in its file, and is read in blocks, from anywhere to anywhere", async () => {
    using disk = new Setting();
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
    using disk = new Setting();
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
    using disk = new Setting();
    await disk.write("/x", bodyOf(1));
    const [one, other] = await Promise.all([disk.file("/x"), disk.file("/x")]);
    expect(other).toBe(one);
    await until(() => disk.open() === 1);
    one.release();
    // One who reads holds it, too.
    const last = other.read(0, 1);
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
      using disk = new Setting();
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
      using disk = new Setting();
      const path = await disk.write("/x", bodyOf(1));
      const bytes = readFileSync(path);
      const index = at < 0 ? bytes.length + at : at;
      bytes[index] = (bytes[index] ?? 0) ^ 1;
      writeFileSync(path, bytes);
      expect(await disk.find("/x")).toBeNull();
      await until(() => disk.cache.status().damaged === 1 && disk.open() === 0);
    }
  });

  test("is written anew out of its own file when it was found unchanged", async () => {
    using disk = new Setting();
    await disk.write("/x", bodyOf(1));
    const found = await disk.find("/x");
    if (found === null) throw new Error("it is not found");
    const { lines, selecting, upstream, url } = found;
    const described = {
      url,
      upstream,
      selecting,
      statusLine: "HTTP/1.1 200 OK",
      lines: [...lines, ["ETag", '"2"'] as const],
    };
    const now = performance.now();
    disk.cache.write(restored(described, found.body, { plan, bornAt: now, askedAt: now }));
    fileOfBody(found.body)?.release();
    await until(() => disk.notes.length === 2);
    const again = await disk.find("/x");
    expect(again?.etag).toBe('"2"');
    const file = fileOfBody(again?.body ?? Buffer.alloc(0));
    if (file === null) throw new Error("it is in no file");
    expect((await readAll(file)).equals(bodyOf(1))).toBeTrue();
    file.release();
    await until(() => disk.open() === 0);
    expect(disk.said).toEqual([]);
  });

  test("is left to a server where too many are open", async () => {
    using disk = new Setting();
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
    using disk = new Setting();
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
    using disk = new Setting();
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
    using disk = new Setting((path) => new Full(path));
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
    using disk = new Setting((path) => new Hanging(path));
    const writing = disk.cache.begin(entry("/x", noBody));
    let taken = 0;
    while (writing?.append(noise) === true) taken += noise.length;
    expect(taken).toBeGreaterThan(29 * 2 ** 20);
    expect(taken).toBeLessThanOrEqual(32 * 2 ** 20);
    expect(disk.cache.status().skipped).toBe(1);
    expect(await new Promise((resolve) => writing?.finish(resolve))).toBe(false);
  });
});
