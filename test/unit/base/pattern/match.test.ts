import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { PatternMatcher } from "../../../../src/base/pattern/match.ts";

function isIn(pattern: string, text: string): boolean {
  return new PatternMatcher(pattern).isIn(new TextEncoder().encode(text));
}

describe("a pattern", () => {
  test.each([
    ["ready", "it is ready now", true],
    ["^ready", "it is ready", false],
    ["^ready$", "ready", true],
    ["ready$", "ready\n", true],
    ["ready$", "ready\n\n", false],
    ["^$", "", true],
    ["^$", "x", false],
    ["a|b|cd", "xcdx", true],
    ["^(?:up|ok)\\b?", "up", null],
    ["[0-9]{3}", "ab12c123", true],
    ["^[^<]*$", "<html>", false],
    ["colou?r", "color", true],
    ["(?i)ready", "READY", true],
    ["(?i)[a-c]+$", "xABC", true],
    ["\\d+\\s\\w", "42 x", true],
    ["\\x41\\.", "A.", true],
    ["x{2,3}y", "xy", false],
    ["x{2,}y", "xxxxxy", true],
    ["a{1", "a{1", true],
    ["größe", "die größe", true],
    ["a.c", "a\nc", false],
    ["[]a]", "]", true],
    ["[a-]", "-", true],
    ["(a*)*b", "aaab", true],
  ] as const)("%s is looked for in %j", (pattern, text, isFound) => {
    if (isFound === null) expect(() => isIn(pattern, text)).toThrow("no escape that is known here");
    else expect(isIn(pattern, text)).toBe(isFound);
  });

  test.each([
    ["(", 'a "(" is not closed'],
    [")", '")" without "("'],
    ["[a", 'a "[" is not closed'],
    ["*a", 'nothing stands before "*"'],
    ["a**", "one repetition directly follows another"],
    ["(?=a)", "cannot be matched in one pass"],
    ["(?<name>a)", "cannot be matched in one pass"],
    ["(a)\\1", "a back reference"],
    ["a\\", "nothing follows"],
    ["[z-a]", "runs backwards"],
    ["[\\d-z]", "a class at one end"],
    ["[ä]", "more than one byte"],
    ["a{2,1}", "must count upwards"],
    ["((a{100}){100}){100}", "too large"],
    [`${"(".repeat(60)}a${")".repeat(60)}`, "nested more than 50 deep"],
  ])("%s is refused: %s", (pattern, reason) => {
    expect(() => new PatternMatcher(pattern)).toThrow(reason);
  });

  test("finds the same as the runtime's regular expressions", () => {
    const atom = fc.constantFrom("a", "b", "c", ".", "[ab]", "[^a]", "(a|b)", "(?:ab|c)", "^", "$");
    const part = fc
      .tuple(atom, fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{1,3}"))
      .map(([one, times]) => (one === "^" || one === "$" ? one : one + times));
    const pattern = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
    const text = fc.array(fc.constantFrom("a", "b", "c", "\n"), { maxLength: 12 }).map((all) => all.join(""));
    fc.assert(
      fc.property(pattern, text, (expression, subject) => {
        const regular = new RegExp(expression);
        const fits = regular.test(subject) || (subject.endsWith("\n") && regular.test(subject.slice(0, -1)));
        expect(isIn(expression, subject)).toBe(fits);
      }),
      { numRuns: 2000 },
    );
  });

  test("that would run away elsewhere needs one pass", () => {
    const matcher = new PatternMatcher("^(a+)+$");
    expect(matcher.isIn(new TextEncoder().encode(`${"a".repeat(65_535)}b`))).toBe(false);
    // A thousand states and more, thrown away on the way.
    const wide = new PatternMatcher("(a|b)*a(a|b){11}c");
    const bytes = Uint8Array.from({ length: 65_536 }, (_, at) => 97 + (((at * 2_654_435_761) >>> 7) & 1));
    expect(wide.isIn(bytes)).toBe(false);
  });
});
