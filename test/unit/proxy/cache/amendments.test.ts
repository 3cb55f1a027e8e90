import { describe, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { fileOfBody } from "../../../../src/proxy/cache/body-file.ts";
import { amendmentBytes } from "../../../../src/proxy/cache/disk/disk-entry.ts";
import { DiskFolder } from "../../../../src/proxy/cache/disk/disk-folder.ts";
import { until } from "../../../support/cache-plans.ts";
import { bodyOf, entry, LongBodies, readAll } from "../../../support/long-bodies.ts";

/** Has an answer that was found in its file written as a 304 has made it fresh, with another `ETag`. */
async function freshen(disk: LongBodies, tag: string, more = ""): Promise<void> {
  const { body } = await held(disk);
  const before = disk.notes.length;
  disk.cache.write(entry("/x", body, [["ETag", tag], ...(more === "" ? [] : [["X-More", more] as const])]));
  fileOfBody(body)?.release();
  await until(() => disk.notes.length > before && disk.open() === 0);
}

async function held(disk: LongBodies): Promise<NonNullable<Awaited<ReturnType<LongBodies["find"]>>>> {
  const found = await disk.find("/x");
  if (found === null) throw new Error("it is not found");
  return found;
}

/** Gives what a process says of `/x`: its tag, and that so many times once more. */
function description(tag: string, times: number): Buffer {
  const lines = [["ETag", tag] as const, ["X-More", tag.repeat(times)] as const];
  const said = { url: "http://a/x", upstream: "apps", selecting: [], statusLine: "HTTP/1.1 200 OK", lines };
  const askedMs = Date.now() + 1000;
  return Buffer.from(JSON.stringify({ ...said, bornMs: askedMs, askedMs }));
}

/** Gives where amendments begin in a file that has none yet. */
function amendmentsAt(path: string): number {
  return Math.ceil(statSync(path).size / 4096) * 4096;
}

/** Gives the tag that is found, and sees to it that the body is the right one. */
async function tagOf(disk: LongBodies, body = bodyOf(1)): Promise<string | null> {
  const found = await held(disk);
  const file = fileOfBody(found.body);
  if (file === null) throw new Error("it is in no file");
  expect((await readAll(file)).equals(body)).toBeTrue();
  file.release();
  await until(() => disk.open() === 0);
  return found.etag;
}

describe("an answer with a long body that was found unchanged", () => {
  test("is described anew in the same file, whose length has a bound, and nothing is copied", async () => {
    using disk = new LongBodies();
    const path = await disk.write("/x", bodyOf(1));
    const first = statSync(path);
    for (let times = 1; times <= 5; times++) {
      await freshen(disk, `"${times}"`);
      expect(await tagOf(disk)).toBe(`"${times}"`);
      const { ino, size } = statSync(path);
      expect(ino).toBe(first.ino);
      expect(size).toBeLessThan(first.size + 4096 + 2 * amendmentBytes);
      expect(disk.notes.at(-1)).toMatchObject({ kind: "stored", bytes: size });
    }
    expect(disk.said).toEqual([]);
  });

  test("is as it was before where its new description is not whole, and never anything else", async () => {
    using disk = new LongBodies();
    const path = await disk.write("/x", bodyOf(1));
    const start = amendmentsAt(path) + amendmentBytes;
    await freshen(disk, '"1"');
    const before = readFileSync(path);
    await freshen(disk, '"2"');
    const after = readFileSync(path);
    const end = after.length;
    expect(after.subarray(0, before.length).equals(before)).toBeTrue();
    for (let cut = before.length; cut < end; cut += cut < start ? 512 : 1) {
      writeFileSync(path, after.subarray(0, cut));
      expect(await tagOf(disk), `${cut} of ${end}`).toBe('"1"');
    }
    for (let index = start; index < end; index++) {
      const other = Buffer.from(after);
      other[index] = (other[index] ?? 0) ^ 1;
      writeFileSync(path, other);
      expect(await tagOf(disk), `octet ${index}`).toBe('"1"');
    }
    // The next one takes the place of the one that is not whole.
    await freshen(disk, '"3"');
    expect(await tagOf(disk)).toBe('"3"');
    expect(disk.cache.status()).toMatchObject({ damaged: 0, failed: 0 });
  });

  test("believes no description of another file", async () => {
    using disk = new LongBodies();
    const path = await disk.write("/x", bodyOf(1));
    const start = amendmentsAt(path);
    await freshen(disk, '"1"');
    const amended = readFileSync(path);
    await disk.write("/x", bodyOf(2));
    expect(amendmentsAt(path)).toBe(start);
    const other = readFileSync(path);
    writeFileSync(path, Buffer.concat([other, Buffer.alloc(start - other.length), amended.subarray(start)]));
    expect(await tagOf(disk, bodyOf(2))).toBeNull();
  });

  test("describes no other body that has come to its place meanwhile", async () => {
    using disk = new LongBodies();
    const path = await disk.write("/x", bodyOf(1));
    const old = await held(disk);
    await disk.write("/x", bodyOf(2));
    const name = path.slice(disk.path.length + 1);
    const file = fileOfBody(old.body);
    if (file === null) throw new Error("it is in no file");
    expect(await new DiskFolder(disk.path).amend(name, Buffer.from("{}"), file)).toBeNull();
    disk.cache.write(entry("/x", old.body, [["ETag", '"1"']]));
    file.release();
    await until(() => disk.notes.length === 3 && disk.open() === 0);
    expect(await tagOf(disk)).toBe('"1"');
  });

  test("is written anew where there is more to say than there is room", async () => {
    using disk = new LongBodies();
    const path = await disk.write("/x", bodyOf(1));
    const { ino } = statSync(path);
    await freshen(disk, '"1"', "x".repeat(amendmentBytes));
    expect(await tagOf(disk)).toBe('"1"');
    expect(statSync(path).ino).not.toBe(ino);
  });

  test("is one of those that were written, however many processes write and read at once", async () => {
    using disk = new LongBodies();
    const path = await disk.write("/x", bodyOf(1));
    await freshen(disk, '"0"');
    const name = path.slice(disk.path.length + 1);
    const found = await held(disk);
    const file = fileOfBody(found.body);
    if (file === null) throw new Error("it is in no file");
    const folders = [1, 2, 3].map(() => new DiskFolder(disk.path));
    const written = new Set<string>(['"0"']);
    for (let round = 0; round < 50; round++) {
      const writing = folders.map((folder, at) => {
        const tag = `${round}/${at}`;
        written.add(tag);
        return folder.amend(name, description(tag, 1 + ((round * 37 + at * 151) % 900)), file);
      });
      const reading = folders.map((folder) => folder.read(name, () => false));
      expect((await Promise.all(writing)).every((length) => length !== null)).toBeTrue();
      for (const one of await Promise.all(reading)) {
        if (one.kind !== "entry") throw new Error(`it is ${one.kind}`);
        const [tag, more] = one.head.description.lines.map(([, value]) => value);
        expect(written.has(tag ?? "")).toBeTrue();
        expect((more ?? "").replaceAll(tag ?? "", "")).toBe("");
      }
    }
    file.release();
    await until(() => disk.open() === 0);
  });
});
