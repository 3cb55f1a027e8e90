import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nativeFolder } from "../../../src/supervisor/native-folder.ts";

let folder = "";
// Nobody but root can give a folder to somebody else.
const [uid, gid] =
  process.getuid?.() === 0 ? [65_534, 65_534] : [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
const user = { name: "somebody", uid, gid };
const modeOf = (path: string): number => statSync(path).mode & 0o7777;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edge-ha-folder-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("in a folder of this user alone another one gets a folder of its own, and gets there", () => {
  expect(modeOf(folder)).toBe(0o700);
  const own = nativeFolder(user, folder);
  expect(own).toBe(join(folder, String(uid)));
  expect([modeOf(folder), modeOf(own), statSync(own).uid, statSync(own).gid]).toEqual([
    0o701,
    0o700,
    uid,
    gid,
  ]);
  expect(nativeFolder(user, folder)).toBe(own);
});

for (const mode of [0o1777, 0o775, 0o707])
  test(`a folder that others may write to (${mode.toString(8)}) stays as it is`, () => {
    chmodSync(folder, mode);
    expect(nativeFolder(user, folder)).toBe(folder);
    expect([modeOf(folder), existsSync(join(folder, String(uid)))]).toEqual([mode, false]);
  });

test("a folder that is not there is told of by who loads from it", () => {
  const missing = join(folder, "missing");
  expect(nativeFolder(user, missing)).toBe(missing);
});
