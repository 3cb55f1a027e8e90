import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeDurably, replaceFile } from "../../../src/base/replace-file.ts";

describe("replaceFile", () => {
  test("makes the directory and the file, replaces it, and leaves nothing beside it", () => {
    const directory = mkdtempSync(join(tmpdir(), "edge-ha-replace-"));
    try {
      const path = join(directory, "a", "b.json");
      replaceFile(path, "one", { mode: 0o600 });
      expect(statSync(path).mode & 0o777).toBe(0o600);
      replaceFile(path, "two", { isDurable: true });
      expect(readFileSync(path, "utf8")).toBe("two");
      expect(readdirSync(join(directory, "a"))).toEqual(["b.json"]);
      removeDurably(path);
      removeDurably(path);
      expect(readdirSync(join(directory, "a"))).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("leaves the old text when the new one cannot be written", () => {
    const directory = mkdtempSync(join(tmpdir(), "edge-ha-replace-"));
    try {
      const path = join(directory, "b.json");
      replaceFile(path, "one");
      mkdirSync(`${path}.new`);
      expect(() => replaceFile(path, "two")).toThrow("EISDIR");
      expect(readFileSync(path, "utf8")).toBe("one");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
