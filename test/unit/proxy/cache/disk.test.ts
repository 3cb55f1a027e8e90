import { describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { cacheTag, cacheTagName } from "../../../../src/base/cache-folder.ts";
import type { DiskNote } from "../../../../src/ipc/disk-note.ts";
import { DiskCache } from "../../../../src/proxy/cache/disk/disk-cache.ts";
import { blockBytes, BodySums, sumOf } from "../../../../src/proxy/cache/disk/body-sums.ts";
import {
  decodeHead,
  encodeDescription,
  encodePrefix,
  type Description,
} from "../../../../src/proxy/cache/disk/disk-entry.ts";
import { diskName, fileOf, isEntryFile, nameIn } from "../../../../src/proxy/cache/disk/disk-files.ts";
import { DiskFolder } from "../../../../src/proxy/cache/disk/disk-folder.ts";
import { DiskIndex } from "../../../../src/proxy/cache/disk/disk-index.ts";
import { Lane } from "../../../../src/proxy/cache/disk/lane.ts";
import { PurgeMarks } from "../../../../src/proxy/cache/purge-marks.ts";
import { restored, type StoredResponse } from "../../../../src/proxy/cache/stored-response.ts";
import { recordingLog } from "../../../support/recording-log.ts";
import { seededRandom } from "../../../support/seeded-random.ts";
import { minuteDiskCache as plan, until } from "../../../support/cache-plans.ts";

const description: Description = {
  url: "http://a/x?y",
  upstream: "apps",
  selecting: [
    ["accept-language", "de"],
    ["x-none", null],
  ],
  statusLine: "HTTP/1.1 200 OK",
  lines: [
    ["ETag", '"1"'],
    ["X-Name", "\u00e9"],
  ],
  bornMs: 1_700_000_000_000.5,
  askedMs: 1_700_000_000_000,
};

function fileWith(body: Buffer, of: Description = description): Buffer {
  const text = encodeDescription(of);
  if (text === null) throw new Error("too much");
  const sums = new BodySums();
  sums.add(body);
  return Buffer.concat([encodePrefix(text, sums.whole()), text, body, sums.list()]);
}

/** Reads a file as the cache does; null if it is not as it was written. */
function read(file: Buffer): { readonly description: Description; readonly body: string } | null {
  const head = decodeHead(file, file.length);
  if (head === null) return null;
  const body = file.subarray(head.bodyStart, head.bodyStart + head.bodyLength);
  const sums = new BodySums();
  sums.add(body);
  const isIntact = sums.whole().bodyChecksum === head.bodyChecksum;
  return isIntact ? { description: head.description, body: body.toString() } : null;
}

describe("the file of an entry", () => {
  test("gives what was written", () => {
    for (const body of [
      "",
      "hello",
      "x".repeat(100_000),
      "y".repeat(blockBytes),
      "z".repeat(2 * blockBytes + 1),
    ])
      expect(read(fileWith(Buffer.from(body)))).toEqual({ description, body });
  });

  test("is none if one bit is another, or anything is missing or too much", () => {
    const file = fileWith(Buffer.from("hello"));
    for (let bit = 0; bit < file.length * 8; bit++) {
      const other = Buffer.from(file);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(read(other), `bit ${bit}`).toBeNull();
    }
    for (let length = 0; length < file.length; length++)
      expect(read(file.subarray(0, length)), `${length} octets`).toBeNull();
    expect(read(Buffer.concat([file, file.subarray(0, 1)]))).toBeNull();
  });

  test("is none of something else that has right checksums", () => {
    expect(read(fileWith(Buffer.alloc(0), { url: "http://a/" } as unknown as Description))).toBeNull();
    expect(encodeDescription({ ...description, url: "x".repeat(2 ** 20) })).toBeNull();
  });

  test("has a checksum for each block of a longer body, however that came", () => {
    const random = seededRandom(3);
    for (const length of [0, 1, blockBytes, blockBytes + 1, 3 * blockBytes, 3 * blockBytes + 77]) {
      const body = Buffer.alloc(length, "some bytes");
      const sums = new BodySums();
      for (let at = 0; at < length;) {
        const to = Math.min(length, at + 1 + Math.trunc(random() * 200_000));
        sums.add(body.subarray(at, to));
        at = to;
      }
      const list = sums.list();
      const blocks = length <= blockBytes ? 0 : Math.ceil(length / blockBytes);
      expect(list).toHaveLength(4 * blocks);
      for (let block = 0; block < blocks; block++)
        expect(sumOf(list, block)).toBe(crc32(body.subarray(block * blockBytes, (block + 1) * blockBytes)));
      const bodyChecksum = blocks === 0 ? crc32(body) : crc32(list);
      expect(sums.whole()).toEqual({ bodyLength: length, bodyChecksum });
    }
  });

  test("has a name that follows from the URL", () => {
    const name = diskName("http://a/");
    expect(fileOf(name, 3)).toMatch(/^[0-9a-f]{2}\/[0-9a-f]{14}\.3$/);
    expect(nameIn(fileOf(name, 3))).toBe(name);
    expect(isEntryFile(fileOf(name, 7).slice(3))).toBe(true);
    for (const foreign of ["a", "cdef0123456789.8", "cdef0123456789.0.bak", "CDEF0123456789.0"])
      expect(isEntryFile(foreign), foreign).toBe(false);
  });
});

describe("the index", () => {
  test("knows the bytes, and gives what was not used for the longest, with its variants", () => {
    const random = seededRandom(7);
    const index = new DiskIndex(40);
    let model: { file: string; bytes: number }[] = [];
    const sum = (): number => model.reduce((total, { bytes }) => total + bytes, 0);
    const names = Array.from({ length: 12 }, (_, number) => diskName(String(number)));
    for (let turn = 0; turn < 5000; turn++) {
      const name = names[Math.trunc(random() * names.length)] ?? "";
      const file = fileOf(name, Math.trunc(random() * 8));
      const old = model.find((one) => one.file === file);
      const kind = Math.trunc(random() * 8);
      if (kind < 4) {
        const bytes = Math.trunc(random() * 20_000);
        index.stored(file, bytes);
        model = [...model.filter((one) => one !== old), { file, bytes: Math.ceil(bytes / 4096) * 4096 }];
      } else if (kind === 4) {
        index.used(file);
        if (old !== undefined) model = [...model.filter((one) => one !== old), old];
      } else if (kind === 5) {
        index.remove(file);
        model = model.filter((one) => one !== old);
      } else if (kind === 6) {
        const gone = index.removeName(name);
        expect(gone).toEqual(gone.toSorted((a, b) => b.localeCompare(a)));
        model = model.filter((one) => nameIn(one.file) !== name);
      } else {
        const most = Math.trunc(random() * 200_000);
        const gone: string[] = [];
        while (sum() > most || model.length > 40) {
          const oldest = nameIn(model[0]?.file ?? "");
          gone.push(...model.flatMap(({ file: one }) => (nameIn(one) === oldest ? [one] : [])));
          model = model.filter((one) => nameIn(one.file) !== oldest);
        }
        expect(new Set(index.takeOldest(most, 1000))).toEqual(new Set(gone));
      }
      expect(index.bytes).toBe(sum());
      expect(index.names()).toEqual(model.map((one) => one.file));
    }
  });

  test("gives so many URLs in one go", () => {
    const index = new DiskIndex();
    for (let number = 0; number < 10; number++) index.stored(fileOf(diskName(String(number)), 0), 1);
    expect(index.takeOldest(0, 4)).toHaveLength(4);
    expect(index.size).toBe(6);
  });
});

describe("marks of purges", () => {
  test("cover what was asked for before, and nothing that was asked for later", () => {
    const marks = new PurgeMarks();
    marks.addUrl("http://a/x", 100);
    marks.addPattern("a/img/*", 200);
    expect(marks.covers("http://a/x", 100)).toBe(true);
    expect(marks.covers("http://a/x", 100.1)).toBe(false);
    expect(marks.covers("http://a/x?y", 0)).toBe(false);
    expect(marks.covers("https://a/img/1", 200)).toBe(true);
    expect(marks.covers("https://a/img/1", 201)).toBe(false);
    // One that was read from a file is of before.
    marks.addPattern("a/img/*", -5);
    expect(marks.covers("https://a/img/1", 200)).toBe(true);
  });

  test("of everything replace those of before, and too many are as good as everything", () => {
    const marks = new PurgeMarks();
    marks.addPattern("a/*", 1);
    marks.addPattern("b/*", 5);
    marks.addPattern("*", 3);
    expect(marks.patterns.map(({ pattern }) => pattern)).toEqual(["b/*", "*"]);
    for (let count = 0; count < 1000; count++) marks.addPattern(`c/${count}`, count);
    expect(marks.patterns[0]).toEqual({ pattern: "*", at: 998 });
    expect(marks.patterns).toHaveLength(2);
  });

  test("of URLs are forgotten when nothing of before can still come", () => {
    const marks = new PurgeMarks();
    marks.addUrl("http://a/", 0);
    marks.addUrl("http://b/", 130_000);
    expect(marks.covers("http://a/", 0)).toBe(true);
    marks.addUrl("http://c/", 260_000);
    expect(marks.covers("http://a/", 0)).toBe(false);
    expect(marks.covers("http://b/", 0)).toBe(true);
  });
});

test("a lane does so many jobs at a time, and lets so many wait", async () => {
  const lane = new Lane(2, 3);
  const ends: (() => void)[] = [];
  const job = (): Promise<void> => new Promise((resolve) => void ends.push(resolve));
  expect([1, 2, 3, 4, 5, 6].map(() => lane.add(job))).toEqual([true, true, true, true, true, false]);
  expect(ends).toHaveLength(2);
  ends[0]?.();
  await Promise.resolve();
  await Promise.resolve();
  expect(ends).toHaveLength(3);
  expect(lane.heldUpMs(performance.now() + 1000)).toBeGreaterThanOrEqual(1000);
});

function entry(path: string, lines: Description["lines"] = [], askedAt = performance.now()): StoredResponse {
  const described = {
    url: `http://a${path}`,
    upstream: "apps",
    selecting: [],
    statusLine: "HTTP/1.1 200 OK",
    lines,
  };
  return restored(described, Buffer.from("hello"), { plan, bornAt: askedAt, askedAt });
}

function opened(make: (path: string) => DiskFolder = (path) => new DiskFolder(path)): {
  readonly cache: DiskCache;
  readonly notes: DiskNote[];
  readonly said: string[];
  readonly marks: PurgeMarks;
  readonly find: (path: string) => Promise<StoredResponse | null>;
  readonly [Symbol.dispose]: () => void;
} {
  const path = mkdtempSync(join(tmpdir(), "edge-ha-unit-disk-"));
  writeFileSync(join(path, cacheTagName), cacheTag);
  const [notes, marks] = [[] as DiskNote[], new PurgeMarks()];
  const { log, said } = recordingLog();
  const cache = new DiskCache({ folder: make(path), log, marks, tell: (note) => void notes.push(note) });
  cache.configure(1e9, false);
  const find = (one: string): Promise<StoredResponse | null> =>
    new Promise((resolve) => {
      cache.find({ url: `http://a${one}`, source: "apps", value: () => null, plan }, resolve);
    });
  return { cache, notes, said, marks, find, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

describe("a cache on disk", () => {
  test("gives what was written, as old as it was, and tells who keeps the folder", async () => {
    using disk = opened();
    const one = entry("/x", [["Cache-Control", "max-age=60"]], performance.now() - 30_000);
    disk.cache.write(one);
    await until(() => disk.notes.length === 1);
    expect(disk.notes[0]).toMatchObject({ kind: "stored", file: fileOf(diskName("http://a/x"), 0) });
    const found = await disk.find("/x");
    expect(found?.body).toEqual(Buffer.from("hello"));
    // By the time of day on the disk, which is read a moment before or after that of this process: half a minute is kept.
    expect(Math.abs((found?.bornAt ?? 0) - one.bornAt)).toBeLessThan(5_000);
    expect(await disk.find("/y")).toBeNull();
    // What was asked for earlier takes no newer one's place.
    disk.cache.write(entry("/x", [["Cache-Control", "max-age=61"]], performance.now() - 40_000));
    disk.cache.write(entry("/z"));
    await until(() => disk.notes.length === 2);
    expect((await disk.find("/x"))?.lines).toEqual([["Cache-Control", "max-age=60"]]);
    expect(disk.said).toEqual([]);
  });

  test("gives nothing that has changed since it was asked for, and nothing from the future", async () => {
    using disk = opened();
    const old = entry("/x");
    disk.marks.addUrl("http://a/x", performance.now());
    disk.cache.write(old);
    disk.cache.write(entry("/future", [], performance.now() + 60_000));
    disk.cache.write(entry("/z"));
    await until(() => disk.notes.length === 2);
    expect(await disk.find("/x")).toBeNull();
    expect(await disk.find("/future")).toBeNull();
    disk.marks.addPattern("*", performance.now() + 1000);
    expect(await disk.find("/z")).toBeNull();
  });

  test("writes nothing that will be of no use when it is looked for", async () => {
    using disk = opened();
    disk.cache.write(entry("/short", [["Cache-Control", "max-age=1"]]));
    disk.cache.write(
      entry("/to-be-asked", [
        ["Cache-Control", "max-age=1"],
        ["ETag", '"1"'],
      ]),
    );
    await until(() => disk.notes.length === 1);
    expect(disk.notes[0]?.file).toBe(fileOf(diskName("http://a/to-be-asked"), 0));
  });

  test("is looked through by who keeps it, and has no more in it than it may have", async () => {
    let path = "";
    using disk = opened((one) => {
      path = one;
      return new DiskFolder(one);
    });
    const make = (file: string, minutesAgo: number): void => {
      mkdirSync(join(path, file, ".."), { recursive: true });
      writeFileSync(join(path, file), "x");
      const at = Date.now() / 1000 - minutesAgo * 60;
      utimesSync(join(path, file), at, at);
    };
    const files = [9, 3, 7, 1, 5].map((minutes) => {
      const file = fileOf(diskName(String(minutes)), 0);
      make(file, minutes);
      return { file, minutes };
    });
    const foreign = [`${files[0]?.file ?? ""}.bak`, "README", "new/1-1"];
    for (const one of foreign) make(one, 9);
    make("new/1-2", 11);
    disk.cache.configure(3 * 4096, true);
    await until(() => disk.cache.status().files === 3);
    await until(() => !existsSync(join(path, "new/1-2")));
    const there = (): typeof files => files.filter(({ file }) => existsSync(join(path, file)));
    await until(() => there().length === 3);
    const left = there();
    expect(left.map(({ minutes }) => minutes)).toEqual([3, 1, 5]);
    expect(foreign.every((one) => existsSync(join(path, one)))).toBe(true);
    disk.cache.heard({ path, kind: "used", file: left[2]?.file ?? "", bytes: 0 });
    disk.cache.heard({ path, kind: "stored", file: files[0]?.file ?? "", bytes: 1 });
    await until(() => !existsSync(join(path, left[0]?.file ?? "")));
    expect(disk.cache.status()).toMatchObject({ files: 3, bytes: 3 * 4096 });
    // What others keep is theirs to count.
    disk.cache.release();
    expect(disk.cache.status().files).toBeNull();
  });

  test("that hangs lets requests wait once, and holds no more than so much to be written", async () => {
    class Hanging extends DiskFolder {
      override read(): Promise<never> {
        return new Promise(() => undefined);
      }
    }
    using disk = opened((path) => new Hanging(path));
    expect(await disk.find("/x")).toBeNull();
    expect(disk.cache.status().late).toBe(1);
    for (let count = 0; count < 100; count++) expect(await disk.find("/x")).toBeNull();
    expect(disk.cache.status().late).toBe(1);
    for (let count = 0; count < 2000; count++) disk.cache.write(entry("/x"));
    expect(disk.cache.status().skipped).toBe(999);
  });

  test("that cannot remove what has changed does not find it either", async () => {
    class Stubborn extends DiskFolder {
      override remove(): Promise<never> {
        return Promise.reject(new Error("it stays"));
      }
    }
    using disk = opened((path) => new Stubborn(path));
    disk.cache.write(entry("/x"));
    await until(() => disk.notes.length === 1);
    disk.cache.removeUrl("http://a/x");
    await until(() => disk.marks.patterns.length === 1);
    expect(await disk.find("/x")).toBeNull();
    expect(disk.marks.patterns.map(({ pattern }) => pattern)).toEqual(["http://a/x"]);
  });

  test("that is none touches nothing, and says so once", async () => {
    let path = "";
    using disk = opened((one) => {
      path = one;
      writeFileSync(join(path, cacheTagName), "of somebody else");
      writeFileSync(join(path, "purged"), "");
      return new DiskFolder(path);
    });
    disk.marks.addPattern("http://b/*", 0);
    disk.cache.configure(0, true);
    await until(() => disk.said.length > 0);
    disk.cache.write(entry("/x"));
    expect(await disk.find("/x")).toBeNull();
    disk.cache.removeUrl("http://a/x");
    disk.cache.purge("*");
    await Bun.sleep(20); // it would have done something meanwhile
    expect(readdirSync(path).toSorted((a, b) => a.localeCompare(b))).toEqual([cacheTagName, "purged"]);
    expect(readFileSync(join(path, "purged"), "utf8")).toBe("");
    expect(disk.cache.status()).toMatchObject({ skipped: 1, failed: 1, stored: 0 });
    expect(disk.said).toHaveLength(1);
    expect(disk.said[0]).toContain("CACHEDIR.TAG is another's");
  });
});
