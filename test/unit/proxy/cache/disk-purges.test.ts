import { expect, onTestFinished, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheTag, cacheTagName } from "../../../../src/base/cache-folder.ts";
import { silentLog } from "../../../../src/base/log.ts";
import type { DiskNote } from "../../../../src/ipc/disk-note.ts";
import { DiskCache } from "../../../../src/proxy/cache/disk/disk-cache.ts";
import { diskName, fileOf } from "../../../../src/proxy/cache/disk/disk-files.ts";
import { DiskFolder } from "../../../../src/proxy/cache/disk/disk-folder.ts";
import { PurgeMarks } from "../../../../src/proxy/cache/purge-marks.ts";
import { restored, type StoredResponse } from "../../../../src/proxy/cache/stored-response.ts";
import { minuteDiskCache as plan, until } from "../../../support/cache-plans.ts";

function entry(url: string): StoredResponse {
  const askedAt = performance.now();
  const described = { url, upstream: "apps", selecting: [], statusLine: "HTTP/1.1 200 OK", lines: [] };
  return restored(described, Buffer.from("hello"), { plan, bornAt: askedAt, askedAt });
}

test("a purge is forgotten once nothing is left of before it, though another process heard of it late", async () => {
  const path = mkdtempSync(join(tmpdir(), "edge-ha-unit-purges-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  writeFileSync(join(path, cacheTagName), cacheTag);
  const make = (marks: PurgeMarks, tell: (note: DiskNote) => void): DiskCache =>
    new DiskCache({ folder: new DiskFolder(path), log: silentLog, marks, tell });
  const notes: DiskNote[] = [];
  const marks = new PurgeMarks();
  const [keeper, other] = [make(marks, () => undefined), make(new PurgeMarks(), (note) => notes.push(note))];
  keeper.configure(1e9, true);
  other.configure(1e9, false);
  await until(() => keeper.status().files === 0);
  const fileAt = (url: string): string => join(path, fileOf(diskName(url), 0));
  keeper.write(entry("http://a/x"));
  other.write(entry("http://a/y"));
  await until(() => keeper.status().files === 1 && notes.length === 1);
  marks.addPattern("*", performance.now());
  keeper.purge("*");
  await until(() => !existsSync(fileAt("http://a/x")));
  // What the other stored before it heard of the purge is told only now.
  for (const note of notes) keeper.heard(note);
  await until(() => existsSync(join(path, "purged")));
  await until(() => !existsSync(join(path, "purged")));
  expect(existsSync(fileAt("http://a/y"))).toBeFalse();
});
