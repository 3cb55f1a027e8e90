import { expect, test } from "bun:test";
import { isInterimFlood } from "../../../src/proxy/interim.ts";

test("isInterimFlood() lets sixteen pass at once, and one more for each second", () => {
  expect(isInterimFlood(16, 0)).toBe(false);
  expect(isInterimFlood(17, 999)).toBe(true);
  expect(isInterimFlood(17, 1000)).toBe(false);
  expect(isInterimFlood(3616, 3_600_000)).toBe(false);
  expect(isInterimFlood(3617, 3_600_000)).toBe(true);
});
