import { describe, expect, test } from "bun:test";
import { basicUser, escapeLogged, mainLine, timeLocal } from "../../../src/proxy/access-log-line.ts";

const outcome = {
  remoteAddress: "192.0.2.1",
  timeLocal: "10/Oct/2000:13:55:36 -0700",
  status: 200,
  bodyBytes: 2326,
};
const request = {
  requestLine: "GET /a HTTP/1.1",
  remoteUser: "",
  referer: "",
  userAgent: "curl/7.88.1",
  forwardedFor: "",
};

describe("a line of the access log", () => {
  test("is nginx's `main` format", () => {
    expect(mainLine(request, outcome)).toBe(
      '192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 2326 "-" "curl/7.88.1" "-"\n',
    );
  });

  test("shows user, referer and X-Forwarded-For", () => {
    const line = mainLine(
      {
        ...request,
        remoteUser: "eve",
        referer: "http://b/",
        forwardedFor: "203.0.113.9",
      },
      outcome,
    );
    expect(line).toStartWith("192.0.2.1 - eve [");
    expect(line).toEndWith('"http://b/" "curl/7.88.1" "203.0.113.9"\n');
  });

  test("shows a dash for a request line that could not be read", () => {
    expect(mainLine({ ...request, requestLine: "" }, { ...outcome, status: 400 })).toContain('] "-" 400 ');
  });

  test("cannot be forged by a client", () => {
    expect(mainLine({ ...request, userAgent: 'x" 200\n1.2.3.4' }, outcome)).toContain(
      '"x\\x22 200\\x0A1.2.3.4"',
    );
  });
});

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
