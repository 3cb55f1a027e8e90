import { describe, expect, test } from "bun:test";
import { memberVerdicts, setVerdict } from "../../../src/health/probe-sets.ts";

const both = { id: "a and b", probes: ["a", "b"] };

describe("setVerdict()", () => {
  test.each([
    [true, true, true],
    [true, false, false],
    [null, false, false],
    [true, null, null],
    [null, null, null],
  ])("gives for %p and %p %p", (a, b, verdict) => {
    const verdicts = new Map<string, boolean | null>([
      ["a", a],
      ["b", b],
    ]);
    expect(setVerdict(both, (probe) => verdicts.get(probe) ?? null)).toBe(verdict);
  });
});

describe("memberVerdicts()", () => {
  test("believes a set that a server is well before one that it is not", () => {
    const sets = [both, { id: "b and c", probes: ["b", "c"] }];
    const found = new Map([
      ["a and b", false],
      ["b and c", true],
    ]);
    expect(Object.fromEntries(memberVerdicts(sets, found))).toEqual({
      "a and b": false,
      "b and c": true,
      a: false,
      b: true,
      c: true,
    });
  });
});
