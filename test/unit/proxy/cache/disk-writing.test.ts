import { describe, expect, test } from "bun:test";
import { DiskWriting, type DiskWritingOptions } from "../../../../src/proxy/cache/disk/disk-writing.ts";
import type { FreshFile } from "../../../../src/proxy/cache/disk/fresh-file.ts";
import { Lane } from "../../../../src/proxy/cache/disk/lane.ts";

/** A writing whose disk notes what is done with it. */
function writing(mostBytes: number): {
  readonly writing: DiskWriting;
  readonly done: string[];
  readonly idle: () => Promise<void>;
} {
  const done: string[] = [];
  const lane = new Lane(1, 100);
  const fresh: Pick<FreshFile, "append" | "drop"> = {
    append: async (bytes) => void done.push(`write ${bytes.length}`),
    drop: async () => void done.push("remove"),
  };
  const o: DiskWritingOptions = {
    lane,
    open: async () => fresh as FreshFile,
    mostBytes,
    reserve: () => true,
    written: () => undefined,
    land: async () => {
      done.push("land");
      return true;
    },
    attempt: async (act) => {
      await act();
      return true;
    },
    skipped: () => void done.push("skip"),
  };
  const idle = (): Promise<void> => new Promise((resolve) => lane.insist(async () => resolve()));
  return { writing: new DiskWriting(o), done, idle };
}

describe("DiskWriting", () => {
  test("gives a body up as soon as it has as many bytes as none on a disk may have", async () => {
    const { done, idle, writing: one } = writing(10);
    expect(one.append(Buffer.alloc(6))).toBeTrue();
    await idle();
    expect(one.append(Buffer.alloc(4))).toBeFalse();
    await idle();
    expect(one.append(Buffer.alloc(1))).toBeFalse();
    expect(done).toEqual(["write 6", "skip", "remove"]);
    expect(await new Promise((resolve) => one.finish(resolve))).toBeFalse();
    expect(done).toEqual(["write 6", "skip", "remove"]);
  });

  test("lands one that is shorter", async () => {
    const { done, writing: one } = writing(10);
    expect(one.append(Buffer.alloc(6))).toBeTrue();
    expect(one.append(Buffer.alloc(3))).toBeTrue();
    expect(await new Promise((resolve) => one.finish(resolve))).toBeTrue();
    expect(done).toEqual(["write 6", "write 3", "land"]);
  });
});
