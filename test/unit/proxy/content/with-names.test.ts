import { expect, test } from "bun:test";
import { withNames } from "../../../../src/proxy/content/with-names.ts";

test("names are added to a set once, however often that is asked for, and to another one apart", () => {
  const andTag = withNames(["etag"]);
  const [one, other] = [new Set(["server"]), new Set(["via"])];
  expect([...andTag(one)]).toEqual(["server", "etag"]);
  expect(andTag(one)).toBe(andTag(one));
  expect([...andTag(other)]).toEqual(["via", "etag"]);
  expect([...andTag(null)]).toEqual(["etag"]);
  expect(andTag(null)).toBe(andTag(null));
  expect([...one]).toEqual(["server"]);
});
