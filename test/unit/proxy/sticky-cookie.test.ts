import { describe, expect, test } from "bun:test";
import type { StickyPlan } from "../../../src/config/upstream-policy.ts";
import { cookieValue } from "../../../src/proxy/cookies.ts";
import { StickyCookie } from "../../../src/proxy/sticky-cookie.ts";

const plan: StickyPlan = {
  cookie: "EDGE_HA",
  secret: "0123456789abcdef",
  ttlMs: 3_600_000,
  path: "/shop",
  isSecure: true,
  isHttpOnly: true,
  sameSite: "lax",
};

const [a, b] = [{ key: "192.0.2.1:80" }, { key: "192.0.2.2:80" }];

function valueOf(field: string): string {
  return /^Set-Cookie: EDGE_HA=([^;]*);/.exec(field)?.[1] ?? "";
}

describe("a sticky cookie", () => {
  test("names its server, in any process, and says nothing of it", () => {
    const field = new StickyCookie(plan, "apps", [a, b]).fieldFor(a, null);
    expect(field).toMatch(
      /^Set-Cookie: EDGE_HA=[\w-]{22}; Path=\/shop; Max-Age=3600; Secure; HttpOnly; SameSite=Lax\r\n$/,
    );
    const elsewhere = new StickyCookie(plan, "apps", [b, a]);
    expect(elsewhere.serverOf(valueOf(field))).toBe(a);
    expect(elsewhere.fieldFor(a, valueOf(field))).toBe("");
    expect(elsewhere.fieldFor(b, valueOf(field))).toContain("EDGE_HA=");
  });

  test("is no good under another secret, for another upstream, or for a server that is gone", () => {
    const value = valueOf(new StickyCookie(plan, "apps", [a, b]).fieldFor(a, null));
    expect(
      new StickyCookie({ ...plan, secret: "another secret 16" }, "apps", [a, b]).serverOf(value),
    ).toBeNull();
    expect(new StickyCookie(plan, "others", [a, b]).serverOf(value)).toBeNull();
    expect(new StickyCookie(plan, "apps", [b]).serverOf(value)).toBeNull();
    expect(new StickyCookie(plan, "apps", [a, b]).serverOf("192.0.2.1:80")).toBeNull();
  });
});

describe("the value of a cookie", () => {
  test.each([
    ["EDGE_HA=x", "x"],
    ["a=1; EDGE_HA=x=y; b=2", "x=y"],
    ["a=1;EDGE_HA=x;EDGE_HA=y", "x"],
    ["XEDGE_HA=1; EDGE_HA2=2", null],
    ["EDGE_HA", null],
    ["", null],
  ])("in %j is %j", (field, value) => {
    expect(cookieValue(field, "EDGE_HA")).toBe(value);
  });
});
