import { describe, expect, test } from "bun:test";
import { noContent } from "../../../src/config/content-plan.ts";
import { shortestTimeoutMs } from "../../../src/proxy/snapshot.ts";
import { route, simplePlan, site } from "../../support/proxy-driver.ts";

const cache = {
  maxObjectBytes: 1024,
  ttlMs: 0,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  lockTimeoutMs: 300,
  disk: null,
};

describe("shortestTimeoutMs()", () => {
  test("is that of a connection to a server, where a plan says nothing else", () => {
    expect(shortestTimeoutMs(simplePlan(80, []))).toBe(5_000);
  });

  test("is a cache's lock_timeout, if nothing is shorter", () => {
    const routes = [route("/", "apps"), route("/kept", "apps", { content: { ...noContent, cache } })];
    expect(shortestTimeoutMs(simplePlan(80, [], { sites: [site(["*"], routes)] }))).toBe(300);
  });
});
