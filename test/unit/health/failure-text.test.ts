import { expect, test } from "bun:test";
import { SystemError } from "../../../src/base/system-error.ts";
import { failureText } from "../../../src/health/failure-text.ts";
import { isHealthy } from "../../../src/health/probe-http.ts";

test("failureText says known failures in an operator's words", () => {
  expect(failureText(new SystemError("connect", "ECONNREFUSED"))).toBe("connection refused");
  expect(failureText(new SystemError("bind", "EADDRNOTAVAIL", "192.0.2.1"))).toBe(
    "this node has no address 192.0.2.1 to check from",
  );
  const untrusted = Object.assign(new Error("self signed certificate"), {
    code: "DEPTH_ZERO_SELF_SIGNED_CERT",
  });
  expect(failureText(untrusted)).toBe(
    "certificate is not trusted (self signed certificate): name its ca, or verify = false",
  );
  const garbage = Object.assign(new Error("x"), { code: "ERR_SSL_WRONG_VERSION_NUMBER" });
  expect(failureText(garbage)).toBe("no TLS (wrong version number)");
});

test("failureText gives the error's own text when the failure is not known", () => {
  expect(failureText(new Error("status 404, want 200"))).toBe("status 404, want 200");
  expect(failureText("odd")).toBe("odd");
});

test("isHealthy takes the borders of a range as part of it", () => {
  const ranges = [
    { from: 200, to: 299 },
    { from: 404, to: 404 },
  ];
  expect([199, 200, 299, 300, 404].map((status) => isHealthy(ranges, status))).toEqual([
    false,
    true,
    true,
    false,
    true,
  ]);
});
