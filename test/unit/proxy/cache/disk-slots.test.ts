import { describe, expect, onTestFinished, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheTag, cacheTagName } from "../../../../src/base/cache-folder.ts";
import { silentLog } from "../../../../src/base/log.ts";
import type { DiskNote } from "../../../../src/ipc/disk-note.ts";
import { DiskCache } from "../../../../src/proxy/cache/disk/disk-cache.ts";
import { diskName, fileOf } from "../../../../src/proxy/cache/disk/disk-files.ts";
import { DiskFolder } from "../../../../src/proxy/cache/disk/disk-folder.ts";
import { PurgeMarks } from "../../../../src/proxy/cache/purge-marks.ts";
import { restored } from "../../../../src/proxy/cache/stored-response.ts";
import { minuteDiskCache as plan, until } from "../../../support/cache-plans.ts";

const url = "http://a/x";
/** A process with a cache in a folder. */
class DiskProcess {
  readonly notes: DiskNote[] = [];
  private readonly cache: DiskCache;

  constructor(path: string) {
    const tell = (note: DiskNote): void => void this.notes.push(note);
    this.cache = new DiskCache({
      folder: new DiskFolder(path),
      log: silentLog,
      marks: new PurgeMarks(),
      tell,
    });
    this.cache.configure(1e9, false);
  }

  /** Stores the answer in a language. */
  async store(language: string, text: string, at = url): Promise<void> {
    const askedAt = performance.now();
    const described = {
      url: at,
      upstream: "apps",
      selecting: [["accept-language", language]] as const,
      statusLine: "HTTP/1.1 200 OK",
      lines: [["Vary", "Accept-Language"]] as const,
    };
    const before = this.notes.length;
    this.cache.write(restored(described, Buffer.from(text), { plan, bornAt: askedAt, askedAt }));
    await until(() => this.notes.slice(before).some(({ kind }) => kind === "stored"));
  }

  /** Gives the text of the answer in a language; null if there is none. */
  find(language: string): Promise<string | null> {
    const value = (name: string): string | null => (name === "accept-language" ? language : null);
    return new Promise((resolve) => {
      this.cache.find({ url, source: "apps", value, plan }, (found) =>
        resolve(Buffer.isBuffer(found?.body) ? found.body.toString() : null),
      );
    });
  }

  /** A request changes what is there; another one behind it is done by when this is. */
  async change(): Promise<void> {
    await this.store("de", "other", "http://a/other");
    this.cache.removeUrl(url);
    this.cache.removeUrl("http://a/other");
    await until(() => this.notes.at(-1)?.file === diskName("http://a/other"));
  }
}

describe("variants on a disk", () => {
  test("that nobody could reach when something changed are not reached afterwards", async () => {
    const path = mkdtempSync(join(tmpdir(), "edge-ha-unit-slots-"));
    onTestFinished(() => rmSync(path, { recursive: true }));
    writeFileSync(join(path, cacheTagName), cacheTag);
    const one = new DiskProcess(path);
    await one.store("de", "alt");
    await one.store("fr", "ancien");
    await one.store("it", "vecchio");
    expect([await one.find("de"), await one.find("fr"), await one.find("it")]).toEqual([
      "alt",
      "ancien",
      "vecchio",
    ]);
    truncateSync(join(path, fileOf(diskName(url), 0)), 10);
    expect(await one.find("de")).toBeNull();
    await until(() =>
      one.notes.some(({ file, kind }) => kind === "gone" && file === fileOf(diskName(url), 0)),
    );
    await one.change();
    // One that starts later knows nothing of the change.
    const later = new DiskProcess(path);
    await later.store("de", "neu");
    expect([await later.find("de"), await later.find("fr"), await later.find("it")]).toEqual([
      "neu",
      null,
      null,
    ]);
  });
});

test("a file that is being written has a name that no process has had before", async () => {
  const path = mkdtempSync(join(tmpdir(), "edge-ha-unit-fresh-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  const begun = await Promise.all([1, 2].map(() => new DiskFolder(path).begin(Buffer.from("{}"))));
  expect(readdirSync(join(path, "new"))).toHaveLength(2);
  for (const fresh of begun) await fresh.drop();
});
