import { describe, expect, test } from "bun:test";
import type { RewritePlan } from "../../../../src/config/routing-plan.ts";
import { plainPath } from "../../../../src/proxy/policy/path.ts";
import { compileRewrite } from "../../../../src/proxy/policy/rewrite.ts";
import { requestView } from "../../../support/request-view.ts";

function rewritten(plan: RewritePlan, target: string): string | number {
  const view = requestView(`GET ${target}`);
  const answer = compileRewrite(plan)(view);
  return answer === null ? view.target : answer.status;
}

const strip = (from: string, to = ""): RewritePlan => ({ kind: "prefix", from, to });
const pattern = (regex: string, to: string): RewritePlan => ({ kind: "pattern", pattern: regex, to });

describe("a path on its way to the server", () => {
  test.each<[string, RewritePlan, string, string | number]>([
    ["loses a prefix and keeps its query", strip("/api"), "/api/a?b=/api", "/a?b=/api"],
    ["is never empty", strip("/api"), "/api?x", "/?x"],
    ["loses a prefix that ends with a slash", strip("/api/"), "/api/a", "/a"],
    ["loses a prefix that is written otherwise", strip("/api"), "/%61p%69/x%20y", "/x%20y"],
    ["loses a prefix that is encoded", strip("/@a"), "/%40a/b", "/b"],
    ["loses a prefix that only routes see", strip("/api"), "/x/..//api/./a/", "/a/"],
    ["does not become that of a host", strip("/api"), "/api//evil.example/x", "/evil.example/x"],
    ["keeps encoded slashes", strip("/a%2Fb"), "/a%2Fb/c%2fd", "/c%2Fd"],
    ["is left alone beside the prefix", strip("/api"), "/apix//y", "/apix//y"],
    ["gets another prefix", strip("/v1", "/api/v1"), "/v1/a", "/api/v1/a"],
    ["gets a prefix", strip("/", "/app"), "/a", "/app/a"],
    ["is taken apart into groups", pattern("^/u/([0-9]+)/(.*)$", "/$2/$1"), "/u/7/a%20b", "/a%20b/7"],
    ["becomes a query", pattern("^/u/([0-9]+)$", "/user?id=$1"), "/u/7?a=1", "/user?id=7&a=1"],
    ["changes in the middle", pattern("/old/", "/new/"), "/a/old/b/old/c", "/a/new/b/old/c"],
    ["is left alone where the pattern does not fit", pattern("^/x", "/y"), "/a//b", "/a//b"],
    ["cannot be put together to climb", pattern("^/a(.*)$", "/pub/.$1"), "/a./secret", 400],
    ["cannot grow without end", pattern("^(.*)$", "$1$1$1"), `/${"a".repeat(4000)}`, 414],
    ["has no line end", pattern("^(.*)$", "/x$1"), "/%0d%0aHost:evil", "/x/%0D%0AHost:evil"],
  ])("%s", (_, plan, target, expected) => {
    expect(rewritten(plan, target)).toBe(expected);
  });

  test.each([
    ["/a?b", "/a"],
    ["/%7eme/%2e%2E/x", "/x"],
    ["/a%2fb%", "/a%2Fb%"],
    ["/..", null],
  ])("of %s is plainly %s", (target, expected) => {
    expect(plainPath(target)).toBe(expected);
  });
});
