import { describe, expect, test } from "bun:test";
import { changePauseMs, isRoutineDue } from "../../../src/vrrp/status-rhythm.ts";

/** Gives the signs of life, one a second, that come until one of them is a status again. */
function signsBetween(routers: number): number {
  let signs = 1;
  while (!isRoutineDue(1000 * signs, routers)) signs += 1;
  return signs;
}

describe("isRoutineDue()", () => {
  test("tells of up to 50 virtual routers with every sign of life, of more less often", () => {
    expect([1, 50, 51, 100, 255].map(signsBetween)).toEqual([1, 1, 2, 2, 6]);
  });

  test("keeps to that when signs come a little early or late", () => {
    for (const offMs of [-40, 40]) {
      expect(isRoutineDue(1000 + offMs, 50)).toBe(true);
      expect(isRoutineDue(1000 + offMs, 100)).toBe(false);
      expect(isRoutineDue(2000 + offMs, 100)).toBe(true);
    }
  });

  test("tells at once while there is nothing to tell of", () => {
    expect(isRoutineDue(500, 0)).toBe(true);
  });
});

describe("changePauseMs()", () => {
  test("is nothing that a person sees, however many there are", () => {
    expect(changePauseMs(1)).toBeLessThan(1);
    expect(changePauseMs(255)).toBeLessThan(100);
  });
});
