import { expect, test } from "bun:test";
import { basicUser, escapeLogged, timeLocal } from "../../../src/proxy/access-log-line.ts";

test("escaping leaves visible ASCII and writes the rest as nginx does", () => {
  expect(escapeLogged("a b~")).toBe("a b~");
  expect(escapeLogged('"\\\x00\t\x1f\x7f\xe9')).toBe("\\x22\\x5C\\x00\\x09\\x1F\\x7F\\xE9");
});

test("the local time carries its zone", () => {
  expect(timeLocal(Date.UTC(2026, 0, 2, 3, 4, 5), 0)).toBe("02/Jan/2026:03:04:05 +0000");
  expect(timeLocal(Date.UTC(2026, 0, 2, 3, 4, 5), 330)).toBe("02/Jan/2026:08:34:05 +0530");
  expect(timeLocal(Date.UTC(2026, 0, 1, 3, 4, 5), -480)).toBe("31/Dec/2025:19:04:05 -0800");
});

test("the user is read from Basic authorization only", () => {
  expect(basicUser(`Basic ${btoa("eve:secret")}`)).toBe("eve");
  expect(basicUser(`basic ${btoa("eve")}`)).toBe("");
  expect(basicUser("Bearer abc")).toBe("");
  expect(basicUser("Basic !")).toBe("");
  expect(basicUser("Basic a")).toBe("");
});
