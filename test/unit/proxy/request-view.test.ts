import { describe, expect, test } from "bun:test";
import { requestView } from "../../support/request-view.ts";

describe("a request as policies see it", () => {
  const view = requestView("GET /a/%62?x=1&y", "X-One: 1\r\nReferer: r\r\nx-one: 2\r\n");

  test("has its path decoded and its query as it was written", () => {
    expect(view.path).toBe("/a/b");
    expect(view.query).toBe("x=1&y");
    expect(requestView("GET /").query).toBe("");
  });

  test("gives values by name, several as a list (RFC 9110 §5.2)", () => {
    expect(view.value("x-one")).toBe("1, 2");
    expect(view.value("referer")).toBe("r");
    expect(view.value("host")).toBe("a");
    expect(view.value("x-two")).toBeNull();
    expect(view.value("cookie")).toBeNull();
  });
});
