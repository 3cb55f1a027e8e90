import { expect, test } from "bun:test";
import { fnv1a } from "../../../src/base/fnv.ts";

test.each([
  ["", 0x811c9dc5],
  ["a", 0xe40c292c],
  ["foobar", 0xbf9cf968],
])("fnv1a(%p) is as its authors say", (text, hash) => {
  expect(fnv1a(text)).toBe(hash);
});

test("fnv1a() takes a text octet by octet, in UTF-8", () => {
  const octets = [0xc3, 0xb6];
  const hash = octets.reduce((sum, octet) => Math.imul(sum ^ octet, 0x01000193), 0x811c9dc5) >>> 0;
  expect(fnv1a("ö")).toBe(hash);
});
