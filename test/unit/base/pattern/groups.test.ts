import { describe, expect, test } from "bun:test";
import { assert, constantFrom, property, stringMatching } from "fast-check";
import { GroupMatcher } from "../../../../src/base/pattern/groups.ts";

function held(pattern: string, text: string): readonly (string | undefined)[] | null {
  const spans = new GroupMatcher(pattern).find(text);
  if (spans === null) return null;
  return Array.from({ length: spans.length / 2 }, (_, group) => {
    const [from = -1, to = -1] = spans.slice(2 * group, 2 * group + 2);
    return from < 0 || to < 0 ? undefined : text.slice(from, to);
  });
}

describe("the groups of a pattern", () => {
  test.each([
    ["^/old/(.*)$", "/old/a/b", ["/old/a/b", "a/b"]],
    ["(a+)(a*)", "xaaa", ["aaa", "aaa", ""]],
    ["(a+?)(a*)", "xaaa", ["aaa", "a", "aa"]],
    ["(a|ab)(c|bcd)?", "abcd", ["abcd", "a", "bcd"]],
    ["(?:a|b)+(c)", "abc", ["abc", "c"]],
    ["(a)|(b)", "b", ["b", undefined, "b"]],
    ["a", "b", null],
    ["", "b", [""]],
  ])("%s in %s", (pattern, text, expected) => {
    expect(held(pattern, text)).toEqual(expected);
  });

  test("hold what those of the language's own expressions hold", () => {
    const patterns = ["(a*)(b?)", "(a|b)c?", "(ab){1,2}(c)?", "^(.)(.*)$", "(b+?)(.)", "[ab](c|d)$"];
    assert(
      property(constantFrom(...patterns), stringMatching(/^[abcd]{0,8}$/), (pattern, text) => {
        const own = new RegExp(pattern).exec(text);
        expect(held(pattern, text)).toEqual(own === null ? null : [...own]);
      }),
    );
  });

  test("are found in time that grows with the text only", () => {
    // A matcher that goes back would not end before the sun does.
    expect(held("^(a+)+$", `${"a".repeat(8000)}b`)).toBeNull();
  });
});
