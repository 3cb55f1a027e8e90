import { expect, test } from "bun:test";
import { Pace } from "../../../src/proxy/pace.ts";

const plan = { bytesPerS: 1_000, windowMs: 10_000, stallMs: 60_000 };

/** Looks every second at a client that moves so many bytes in each; gives the second that found it too slow, or -1. */
function judged(
  perSecond: (second: number) => number,
  o: { plan?: typeof plan; sharers?: number; step?: number } = {},
): number {
  const pace = new Pace(0, 500, o.step);
  let bytes = 500;
  for (let second = 1; second <= 200; second++) {
    bytes += perSecond(second);
    if (pace.isTooSlow(1_000 * second, bytes, o.plan ?? plan, o.sharers ?? 1)) return second;
  }
  return -1;
}

test("a client may be as slow as it is allowed to, and as it likes within a window", () => {
  expect(judged(() => 1_000)).toBe(-1);
  expect(judged((second) => (second % 10 === 1 ? 10_000 : 0))).toBe(-1);
});

test("a client is too slow at the end of the first window in which it is, however fast it was before", () => {
  expect(judged(() => 999)).toBe(10);
  expect(judged((second) => (second <= 20 ? 1_000_000 : 900))).toBe(30);
});

test("a client that moves nothing is too slow after a while, without a rate too", () => {
  const any = { ...plan, bytesPerS: 0 };
  expect(judged(() => 0, { plan: any })).toBe(60);
  expect(judged((second) => (second % 59 === 0 ? 1 : 0), { plan: any })).toBe(-1);
});

test("a client that moves less than a step within the time moves nothing, however often it moves that", () => {
  const any = { ...plan, bytesPerS: 0 };
  expect(judged(() => 16, { plan: any, step: 1_000 })).toBe(60);
  expect(judged(() => 17, { plan: any, step: 1_000 })).toBe(-1);
  expect(judged((second) => (second < 100 ? 17 : 0), { plan: any, step: 1_000 })).toBe(119);
});

test("streams of one connection share what it has to do", () => {
  expect(judged(() => 250, { sharers: 4 })).toBe(-1);
  expect(judged(() => 249, { sharers: 4 })).toBe(10);
});

test("a client is not charged with the time that the process was held up", () => {
  const pace = new Pace(0, 0);
  expect(pace.isTooSlow(50_000, 0, { ...plan, bytesPerS: 0, stallMs: 5_000 })).toBe(false);
  expect(pace.isTooSlow(51_000, 0, { ...plan, bytesPerS: 0, stallMs: 5_000 })).toBe(false);
  expect(pace.isTooSlow(52_000, 0, { ...plan, bytesPerS: 0, stallMs: 5_000 })).toBe(true);
});
