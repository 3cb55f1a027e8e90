import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DrainBook } from "../../../src/director/drain-book.ts";
import type { Drain } from "../../../src/director/drains.ts";
import { recordingLog } from "../../support/recording-log.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "edge-ha-drains-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const drain: Drain = {
  service: "web",
  address: "192.0.2.8",
  port: null,
  since: "2026-01-01T00:00:00.000Z",
  until: "2026-01-01T00:05:00.000Z",
  state: "drained",
  cut: 0,
};

test("a book gives to the next process what was drained, and without one nothing is", () => {
  const { log, said } = recordingLog();
  const book = DrainBook.open(directory, log);
  expect(book.drains).toEqual([]);
  const endless: Drain = { ...drain, port: 80, until: new Date(8.64e15).toISOString() };
  book.note([drain, endless]);
  expect(DrainBook.open(directory, log).drains).toEqual([drain, endless]);
  expect(said).toEqual([]);
});

const timeless = [
  { ...drain, since: "long ago" },
  { ...drain, state: "draining", until: "soon" },
].map((one) => JSON.stringify([one]));

test.each(["", "null", "{}", "[null]", '[{"service":"web"}]', "[{", ...timeless])(
  "a damaged book (%p) is told of, and drains nothing",
  (text) => {
    const { log, said } = recordingLog();
    DrainBook.open(directory, log).note([drain]);
    const path = join(directory, readdirSync(directory)[0] ?? "missing");
    writeFileSync(path, text);
    expect(DrainBook.open(directory, log).drains).toEqual([]);
    expect(said).toHaveLength(1);
    expect(said[0]).toStartWith(`error: ${path} cannot be read (`);
    expect(said[0]).toEndWith("): what was drained gets connections; drain it again");
  },
);
