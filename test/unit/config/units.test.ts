import { describe, expect, test } from "bun:test";
import { formatDuration, formatSize, parseDuration, parseSize } from "../../../src/config/units.ts";

describe("durations", () => {
  test.each([
    ["100ms", 100],
    ["1s", 1000],
    ["1.5s", 1500],
    ["0.03s", 30],
    ["40.95s", 40_950],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["2d", 172_800_000],
  ])("reads %s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(["", "1", "s", "1 s", "-1s", "1S", "1e3s", "1.s", "1s2", "1m30s", "0x1s", "9999999999s"])(
    "refuses %j",
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );

  test("writes the largest unit without a fraction", () => {
    expect([0, 10, 1000, 1500, 60_000, 90_000, 3_600_000].map(formatDuration)).toEqual([
      "0ms",
      "10ms",
      "1s",
      "1500ms",
      "1m",
      "90s",
      "1h",
    ]);
  });
});

describe("sizes", () => {
  test.each([
    ["512b", 512],
    ["64k", 65_536],
    ["10m", 10_485_760],
    ["1G", 1_073_741_824],
    ["0.5k", 512],
  ])("reads %s", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(["", "10", "10mb", "m", "-1k", "1 k"])("refuses %j", (text) => {
    expect(parseSize(text)).toBeNull();
  });

  test("writes the largest unit without a fraction", () => {
    expect([0, 100, 1024, 1536, 10_485_760].map(formatSize)).toEqual(["0b", "100b", "1k", "1536b", "10m"]);
  });
});
