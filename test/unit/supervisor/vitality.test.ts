import { expect, test } from "bun:test";
import { instant } from "../../../src/base/instant.ts";
import { newVitality, nextLook, observe } from "../../../src/supervisor/vitality.ts";

const serving = observe(newVitality(instant(0)), true, instant(10));

test("observe() forgives a gap as long as one restart takes", () => {
  const gap = observe(serving, false, instant(5_000));
  expect(gap.isAlive).toBe(true);
  expect(nextLook(gap)).toBe(instant(6_000));
  expect(observe(gap, true, instant(5_400)).isAlive).toBe(true);
});

test("observe() calls the node dead once no proxy has served for a second", () => {
  const gap = observe(serving, false, instant(5_000));
  expect(observe(gap, false, instant(5_999)).isAlive).toBe(true);
  const dead = observe(gap, false, instant(6_000));
  expect(dead.isAlive).toBe(false);
  expect(nextLook(dead)).toBeNull();
});

test("observe() trusts a proxy that came back only after it has served for three seconds", () => {
  const dead = observe(observe(serving, false, instant(5_000)), false, instant(6_000));
  const back = observe(dead, true, instant(7_000));
  expect(back.isAlive).toBe(false);
  expect(nextLook(back)).toBe(instant(10_000));
  const gone = observe(back, false, instant(8_000));
  expect(observe(gone, true, instant(9_000)).isAlive).toBe(false);
  expect(observe(back, true, instant(10_000)).isAlive).toBe(true);
});

test("newVitality() does not call a node dead that is only starting", () => {
  expect(observe(newVitality(instant(0)), false, instant(900)).isAlive).toBe(true);
  expect(observe(newVitality(instant(0)), false, instant(1_000)).isAlive).toBe(false);
});
