import { expect, test } from "bun:test";
import { weightBy } from "../../../src/config/weight-word.ts";
import { readHealthReply, writeHealthRequest } from "../../../src/health/grpc-message.ts";
import { beginsAs } from "../../../src/health/probe-udp.ts";
import { readStatusWords } from "../../../src/health/status-words.ts";

test.each([
  ["up", true, null, "up"],
  ["ready", true, null, "ready"],
  ["75%", true, 75, "75%"],
  ["up 75%", true, 75, "up 75%"],
  ["UP,50%", true, 50, "UP 50%"],
  ["drain", true, 0, "drain"],
  ["drain 50%", true, 0, "drain 50%"],
  ["maint", false, null, "maint"],
  ["down #disk full", false, null, "down (disk full)"],
  ["stopped", false, null, "stopped"],
  ["up maxconn:30 100%", true, 100, "up maxconn:30 100%"],
])("an agent that says %j is understood", (line, isUp, ...[percent, text]) => {
  const weight = percent === null ? null : { kind: "share" as const, percent };
  expect(readStatusWords(line)).toEqual({ isUp, weight, text });
});

test.each([
  ["", "says nothing"],
  ["# only a reason", "says nothing"],
  ["fine", 'says "fine", which means nothing'],
  ["9999%", 'says "9999%", which means nothing'],
])("an agent that says %j is not", (line, reason) => {
  expect(() => readStatusWords(line)).toThrow(reason);
});

test("weights are shares, fixed, or offsets, within what the kernel takes, and a drained server stays drained", () => {
  expect(weightBy(10, null)).toBe(10);
  expect(weightBy(10, { kind: "share", percent: 75 })).toBe(8);
  expect(weightBy(1, { kind: "share", percent: 1 })).toBe(1);
  expect(weightBy(1, { kind: "share", percent: 0 })).toBe(0);
  expect(weightBy(60_000, { kind: "share", percent: 1000 })).toBe(65_535);
  expect(weightBy(10, { kind: "fixed", weight: 253 })).toBe(253);
  expect(weightBy(10, { kind: "offset", by: -20 })).toBe(0);
  expect(weightBy(0, { kind: "fixed", weight: 100 })).toBe(0);
});

test("replies begin as expected, digit by digit", () => {
  const bytes = Uint8Array.of(0x12, 0x34, 0x56);
  expect(["", "12", "1x34", "xxxxxx"].map((digits) => beginsAs(bytes, digits))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(["13", "12345678", "1234x7"].map((digits) => beginsAs(bytes, digits))).toEqual([
    false,
    false,
    false,
  ]);
});

function read(...bytes: readonly number[]): string {
  return readHealthReply(Uint8Array.from(bytes));
}

test("grpc.health.v1 is written and read", () => {
  expect([...writeHealthRequest("")]).toEqual([0, 0, 0, 0, 0]);
  expect([...writeHealthRequest("ab")]).toEqual([0, 0, 0, 0, 4, 0x0a, 2, 0x61, 0x62]);
  expect(Array.from(writeHealthRequest("a".repeat(200)).subarray(0, 8))).toEqual([
    0, 0, 0, 0, 203, 0x0a, 0xc8, 0x01,
  ]);
  expect(read(0, 0, 0, 0, 2, 8, 1)).toBe("SERVING");
  expect(read(0, 0, 0, 0, 2, 8, 2)).toBe("NOT_SERVING");
  expect(read(0, 0, 0, 0, 0)).toBe("UNKNOWN");
  expect(() => read(0, 0, 0, 0, 9, 8, 1)).toThrow("no health");
  expect(() => read(1, 0, 0, 0, 2, 8, 1)).toThrow("compressed");
  expect(() => read()).toThrow("no health");
});
