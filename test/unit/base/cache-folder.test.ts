import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheFolderProblem, cacheTag, cacheTagName } from "../../../src/base/cache-folder.ts";
import { noContent } from "../../../src/config/content-plan.ts";
import { prepareCacheFolders } from "../../../src/supervisor/cache-folders.ts";
import { route, simplePlan, site } from "../../support/proxy-driver.ts";
import { recordingLog } from "../../support/recording-log.ts";

const root = mkdtempSync(join(tmpdir(), "edge-ha-unit-folder-"));
afterAll(() => rmSync(root, { recursive: true }));
const at = (name: string): string => join(root, name);

/** Prepares a folder as the supervisor does; gives what it says. */
function prepare(path: string): readonly string[] {
  const cache = {
    maxObjectBytes: 1,
    ttlMs: 0,
    staleWhileRevalidateMs: 0,
    staleIfErrorMs: 0,
    lockTimeoutMs: 0,
    disk: { path, bytes: 1 },
  };
  const { log, said } = recordingLog();
  const sites = [site(["*"], [route("/", "apps", { content: { ...noContent, cache } })])];
  prepareCacheFolders(simplePlan(1, [], { sites }), null, log);
  return said;
}

describe("the folder of a cache", () => {
  test("is made, empty, or one of ours", () => {
    mkdirSync(at("empty"));
    for (const path of [at("to/be/made"), at("empty")]) {
      expect(cacheFolderProblem(path)).toBeNull();
      expect(prepare(path)).toEqual([]);
      expect(statSync(path).mode & 0o777).toBe(0o700);
      writeFileSync(join(path, "purged"), "");
      expect(cacheFolderProblem(path)).toBeNull();
      expect(prepare(path)).toEqual([]);
    }
    expect(statSync(at("to/be")).mode & 0o777).toBe(0o755);
  });

  test("is nobody else's, and no file or link", () => {
    mkdirSync(at("foreign"), { mode: 0o755 });
    writeFileSync(join(at("foreign"), "notes"), "");
    mkdirSync(at("other"), { mode: 0o755 });
    writeFileSync(join(at("other"), cacheTagName), cacheTag.replace("edge-ha", "another program"));
    writeFileSync(at("file"), "");
    symlinkSync(at("empty"), at("link"));
    const problems = {
      foreign: "has files in it that no cache of edge-ha has put there",
      other: "has files in it that no cache of edge-ha has put there",
      file: "is no folder",
      "file/below": "cannot be",
      link: "is no folder",
    };
    for (const [name, what] of Object.entries(problems)) {
      expect(cacheFolderProblem(at(name))).toMatchObject({ severity: "error" });
      expect(cacheFolderProblem(at(name))?.what).toContain(what);
      expect(prepare(at(name))[0]).toStartWith(`warning: no answers are kept in ${at(name)}: `);
    }
    expect(statSync(at("foreign")).mode & 0o777).toBe(0o755);
    expect(cacheFolderProblem(at("link"))?.remedy).toBe("name the folder that the link leads to");
  });
});
