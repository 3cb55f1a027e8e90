import { expect, test } from "bun:test";
import { endless, expiryOf } from "../../../src/proxy/lifetime.ts";

test("expiryOf() is up to a tenth before the age, and never without one", () => {
  const lifetime = { ...endless, mostAgeMs: 10_000 };
  expect([0, 0.5, 1].map((random) => expiryOf(lifetime, 500, random))).toEqual([10_500, 10_000, 9_500]);
  expect(expiryOf(endless, 500, 0.5)).toBe(Number.POSITIVE_INFINITY);
});
