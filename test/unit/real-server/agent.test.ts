import { describe, expect, test } from "bun:test";
import { readAgentAddress } from "../../../src/config/agent-words.ts";
import { agentLine } from "../../../src/real-server/agent-line.ts";
import { connectionsTo } from "../../../src/real-server/connections.ts";
import {
  percentOf,
  readProcessorTimes,
  sampled,
  type LoadReading,
} from "../../../src/real-server/processor-load.ts";

const line = (user: number, idle: number): string => `cpu  ${user} 0 0 ${idle} 0 0 0 0 0 0\ncpu0 1 2 3 4 5\n`;

const after = (load: LoadReading | null, user: number, idle: number): LoadReading => {
  const times = readProcessorTimes(line(user, idle));
  if (times === null) throw new Error("no times");
  return sampled(load, times);
};

describe("agentLine()", () => {
  test.each([
    [{ drain: null, problem: null, percent: 75 }, "up ready 75%\n"],
    [{ drain: null, problem: "no answer", percent: 75 }, "down ready # no answer\n"],
    [{ drain: "drain", problem: null, percent: 75 }, "up drain\n"],
    [{ drain: "drain", problem: "no #1\nup", percent: 75 }, "down drain # no  1 up\n"],
    [{ drain: "maint", problem: null, percent: 75 }, "up maint\n"],
  ] as const)("%j is %j", (state, line) => {
    expect(agentLine(state)).toBe(line);
  });
});

describe("the processor's idle time", () => {
  test("is read from the first line, waiting for the disk included", () => {
    expect(readProcessorTimes("cpu  10 1 5 100 20 0 4 0 7 0\ncpu0 1 2 3 4\n")).toEqual({
      idle: 120,
      total: 140,
    });
    expect(readProcessorTimes("intr 1 2 3\n")).toBeNull();
    expect(readProcessorTimes("cpu  a b c d\n")).toBeNull();
  });

  test("counts as idle at first, and follows the load in steps of five", () => {
    let load = after(null, 100, 100);
    expect(percentOf(load)).toBe(100);
    load = after(load, 200, 100);
    expect(percentOf(load)).toBe(90);
    for (let user = 300; user <= 1300; user += 100) load = after(load, user, 100);
    expect(percentOf(load)).toBe(30);
  });

  test("keeps a share however busy it is, and never more than all", () => {
    let load = after(null, 0, 0);
    for (let user = 100; user <= 20_000; user += 100) load = after(load, user, 0);
    expect(percentOf(load)).toBe(10);
    for (let idle = 100; idle <= 20_000; idle += 100) load = after(load, 20_000, idle);
    expect(percentOf(load)).toBe(100);
  });

  test("learns nothing from counters that stand still or go back", () => {
    const load = after(after(null, 0, 0), 100, 100);
    expect(after(load, 100, 100).idle).toBe(load.idle);
    expect(after(load, 50, 50).idle).toBe(load.idle);
  });
});

describe("readAgentAddress()", () => {
  test.each([
    [":8081", { address: null, port: 8081 }],
    ["192.0.2.8:8081", { address: "192.0.2.8", port: 8081 }],
    ["[2001:db8::8]:1", { address: "2001:db8::8", port: 1 }],
  ])("reads %s", (text, expected) => {
    expect(readAgentAddress(text)).toEqual(expected);
  });

  test.each([
    "",
    "8081",
    ":0",
    ":65536",
    "192.0.2.8",
    "2001:db8::8:80",
    "[192.0.2.8]:80",
    "192.0.2.0/24:80",
    "lb1:80",
  ])("takes %j for none", (text) => {
    expect(readAgentAddress(text)).toBeNull();
  });
});

test("connectionsTo() counts what carries something yet, to the VIPs alone", () => {
  const head = "  sl  local_address rem_address   st\n";
  const tcp = [
    "   0: 0A0200C0:0050 630200C0:A000 01 00000000:00000000", // 192.0.2.10
    "   1: 0A0200C0:0050 630200C0:A001 08 00000000:00000000", // the client has ended
    "   2: 0A0200C0:0050 630200C0:A002 06 00000000:00000000", // TIME_WAIT
    "   3: 0A0200C0:0050 00000000:0000 0A 00000000:00000000", // listens
    "   4: 0B0200C0:0050 630200C0:A003 01 00000000:00000000", // 192.0.2.11
  ].join("\n");
  const tcp6 = [
    "   0: 0000000000000000FFFF00000A0200C0:0050 0000000000000000FFFF0000630200C0:A000 01 00000000:00000000",
    "   1: B80D0120000000000000000001000000:0050 B80D0120000000000000000002000000:A000 01 00000000:00000000",
  ].join("\n");
  expect(connectionsTo(["192.0.2.10"], head + tcp)).toBe(2);
  expect(connectionsTo(["192.0.2.10"], head + tcp6)).toBe(1);
  expect(connectionsTo(["2001:db8::1"], head + tcp6)).toBe(1);
  expect(connectionsTo([], head + tcp)).toBe(0);
});
