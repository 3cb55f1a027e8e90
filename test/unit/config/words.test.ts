import { describe, expect, test } from "bun:test";
import { commandWords } from "../../../src/config/command-words.ts";
import { closest, editDistance } from "../../../src/config/suggestion.ts";

describe("closest", () => {
  test("finds a slip of the pen", () => {
    expect(closest("prioirty", ["name", "priority", "prefer"])).toBe("priority");
    expect(closest("adresses", ["address", "addresses"])).toBe("addresses");
    expect(closest("lb", ["lb1"])).toBe("lb1");
    expect(closest("Scheduler", ["scheduler"])).toBe("scheduler");
  });

  test("gives up when nothing is near", () => {
    expect(closest("state", ["name", "vrid"])).toBeNull();
    expect(closest("x", [])).toBeNull();
  });

  test("counts a swap of neighbours as one edit", () => {
    expect(editDistance("vrid", "vird")).toBe(1);
    expect(editDistance("", "abc")).toBe(3);
    expect(editDistance("kitten", "sitting")).toBe(3);
  });
});

describe("commandWords", () => {
  test.each([
    ["/bin/check", ["/bin/check"]],
    ["  killall   -0 nginx ", ["killall", "-0", "nginx"]],
    [`sh -c "a 'b' \\" c"`, ["sh", "-c", `a 'b' " c`]],
    [`a 'b "c" \\d' e`, ["a", `b "c" \\d`, "e"]],
    [`a "" b\\ c`, ["a", "", "b c"]],
    [`x"y"z`, ["xyz"]],
    ["", []],
  ])("splits %j", (text, words) => {
    expect(commandWords(text)).toEqual(words);
  });

  test.each([`a "b`, `a 'b`, "a \\"])("refuses %j", (text) => {
    expect(commandWords(text)).toBeNull();
  });
});
