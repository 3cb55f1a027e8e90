import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Journal } from "../../../src/kernel/journal.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "edge-ha-journal-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function file(): string {
  return join(directory, readdirSync(directory)[0] ?? "missing");
}

test("a journal gives to the next process what was noted", () => {
  Journal.open(directory, "director").note(new Set(["tcp 10.99.0.101:80", "tcp 10.99.0.102:80"]));
  expect([...Journal.open(directory, "director").entries]).toEqual([
    "tcp 10.99.0.101:80",
    "tcp 10.99.0.102:80",
  ]);
});

test("a journal makes its directory and takes its file away when nothing is owned", () => {
  const below = join(directory, "state");
  const journal = Journal.open(below, "vrrp");
  expect(existsSync(below)).toBe(false);
  journal.note(new Set(["tcp 10.99.0.101:80"]));
  expect(readdirSync(below)).toHaveLength(1);
  journal.note(new Set());
  expect(readdirSync(below)).toEqual([]);
});

test("a journal of another boot of the machine claims nothing", () => {
  Journal.open(directory, "director").note(new Set(["tcp 10.99.0.101:80"]));
  const text = JSON.parse(readFileSync(file(), "utf8")) as { boot: string };
  writeFileSync(file(), JSON.stringify({ ...text, boot: "another" }));
  expect(Journal.open(directory, "director").entries.size).toBe(0);
});

test("a damaged journal claims nothing", () => {
  Journal.open(directory, "director").note(new Set(["tcp 10.99.0.101:80"]));
  writeFileSync(file(), '{"boot":');
  expect(Journal.open(directory, "director").entries.size).toBe(0);
});

test("a journal without a list of texts in it claims nothing that is none", () => {
  Journal.open(directory, "vrrp").note(new Set(["a"]));
  const { boot } = JSON.parse(readFileSync(file(), "utf8")) as { boot: string };
  for (const entries of ['["a",1,null,{}]', "7", "null"]) {
    writeFileSync(file(), `{"boot":"${boot}","entries":${entries}}`);
    expect([...Journal.open(directory, "vrrp").entries]).toEqual(entries.startsWith("[") ? ["a"] : []);
  }
});

test("what could not be written is written as soon as that can be done", () => {
  const below = join(directory, "state");
  const journal = Journal.open(below, "director");
  writeFileSync(below, "in the way");
  const noted = new Set(["tcp 10.99.0.101:80"]);
  expect(() => journal.note(noted)).toThrow();
  expect([...journal.entries]).toEqual([...noted]);
  expect(() => journal.note(noted)).toThrow();
  rmSync(below);
  journal.note(noted);
  expect([...Journal.open(below, "director").entries]).toEqual([...noted]);
});
