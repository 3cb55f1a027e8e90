import { expect, test } from "bun:test";
import { instant } from "../../../src/base/instant.ts";
import { firstStart, nextStart } from "../../../src/supervisor/restart.ts";

test("nextStart() restarts at once after the first death", () => {
  expect(nextStart(firstStart(instant(0)), instant(5))).toEqual({ at: instant(5), deaths: 1 });
});

test("nextStart() doubles the delay from 100 ms up to 10 s while lives stay short", () => {
  let state = firstStart(instant(0));
  const delays: number[] = [];
  for (let death = 0; death < 10; death += 1) {
    const next = nextStart(state, instant(0));
    delays.push(next.at);
    state = { deaths: next.deaths, startedAt: instant(0) };
  }
  expect(delays).toEqual([0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
});

test("nextStart() forgets earlier deaths after a steady life", () => {
  expect(nextStart({ deaths: 7, startedAt: instant(0) }, instant(10_000))).toEqual({
    at: instant(10_000),
    deaths: 1,
  });
});
