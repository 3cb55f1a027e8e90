import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { readConfig } from "../../../src/config/read.ts";
import { withoutSecrets } from "../../../src/config/without-secrets.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { site } from "./fixtures.ts";

const two = 'servers = [{ address = "10.16.8.8:80" }, { address = "10.16.8.9:80" }]';

function withLines(lines: string): string {
  return base + vip + site.replace(/servers = .*/, `${two}\n${lines}`);
}

function complaints(lines: string): readonly string[] {
  return linesOf(withLines(lines)).map((line) => line.replace(/^.* upstream "apps"/, ""));
}

describe("an upstream", () => {
  test("reads what is hashed, and how far", () => {
    const { config } = readConfig(
      withLines('balance = "consistent-hash"\nhash = "header:X-Tenant"\nhash_bound = 2'),
      "f",
    );
    expect(config?.upstreams[0]).toMatchObject({
      balance: "consistent-hash",
      hash: { kind: "header", name: "x-tenant" },
      hashBound: 2,
      sticky: null,
    });
  });

  test.each([
    [
      'balance = "consistent-hash"',
      '.balance: "consistent-hash" has nothing to hash; write hash = "uri" or another part of requests, or balance = "source-hash"',
    ],
    [
      'hash = "uri"',
      '.hash: balance = "round-robin" hashes nothing of the request; write balance = "consistent-hash", or remove it',
    ],
    ["hash_bound = 2", '.hash_bound: only balance = "consistent-hash" has a bound; remove it'],
    [
      'balance = "consistent-hash"\nhash = "body"',
      '.hash: "body" names nothing of a request; write hash = "header:X-Tenant", "cookie:session", "query:id", "uri" or "path"',
    ],
    [
      'sticky = { secret = "short" }',
      ".sticky.secret: 5 characters can be guessed; write 16 or more, as from openssl rand -hex 16",
    ],
    [
      'sticky = { secret = "0123456789abcdef", same_site = "none" }',
      '.sticky.same_site: browsers drop a cookie with same_site = "none" that is not secure; write secure = true',
    ],
    [
      'sticky = { cookie = "a b", secret = "0123456789abcdef" }',
      '.sticky.cookie: "a b" cannot be the name of a cookie; use letters, digits, "_" and "-", as in cookie = "EDGE_HA"',
    ],
    [
      "queue = {}",
      ".queue: no server is ever full: nobody waits; write max_connections = 100 too, or remove it",
    ],
    [
      'slow_start = "30s"',
      '.slow_start: warning: no server that starts slowly is checked: none ever comes back; write check = { type = "tcp" }, or remove it',
    ],
    [
      'slow_start = "30s"\ncheck = { type = "tcp" }',
      ".slow_start: warning: a weight of 1 grows in steps that are too large to start slowly; multiply all weights of the upstream, such as by 100",
    ],
    ['ejection = { time = "10m" }', ".ejection.max_time: is shorter than time; write a longer one"],
    [
      "retries = { on = [404] }",
      '.retries.on[0]: 404 is no failure of a server; write on = ["connect", "closed", "timeout", 502, 503, 504]',
    ],
    [
      'retries = { budget = "200%" }',
      '.retries.budget: "200%" is no share of requests; write budget = "20%", from "0%" to "100%"',
    ],
    [
      'retries = { hedge = "500ms", tries = 1 }',
      ".retries.hedge: warning: tries = 1 asks no second server; write tries = 2, or remove one of both",
    ],
    [
      'retries = { hedge = "500ms", budget = "0%" }',
      '.retries.hedge: warning: a budget of "0%" pays for none; write budget = "20%", or remove hedge',
    ],
  ])("with %j is told what to write", (lines, complaint) => {
    expect(complaints(lines)).toEqual([complaint]);
  });

  test("whose servers are all drained by the file is warned of", () => {
    const text =
      base + vip + site.replace(/servers = .*/, 'servers = [{ address = "10.16.8.8:80", drain = true }]');
    expect(linesOf(text).map((line) => line.replace(/^.* upstream "apps"/, ""))).toEqual([
      ".servers: warning: every weight is 0 or every server drained, so none gets a request; give one server a weight of 1 or more, and no drain = true",
    ]);
    expect(configOf(text).upstreams[0]?.servers[0]?.isDrained).toBe(true);
  });

  test("may give up connections by what they have carried, and by their age", () => {
    expect(
      configOf(withLines('keepalive = { max_requests = 1000, max_age = "1h" }')).upstreams[0],
    ).toMatchObject({
      keepAliveConnections: 32,
      keepAliveIdleMs: 60_000,
      keepAliveRequests: 1_000,
      keepAliveAgeMs: 3_600_000,
    });
    expect(configOf(withLines("")).upstreams[0]).toMatchObject({
      keepAliveRequests: null,
      keepAliveAgeMs: null,
    });
  });

  test("is shown by the plan with the life of its connections", () => {
    const { config } = readConfig(withLines('keepalive = { max_requests = 9, max_age = "1h" }'), "f");
    const shown = config === null ? "" : describePlan(planNode(config, "lb1", { cores: 1 }));
    expect(shown).toContain("apps: round-robin, up to 9 requests a connection, connections up to 1h old\n");
  });

  test("does not show the secret of its cookie", () => {
    const config = configOf(withLines('sticky = { secret = "0123456789abcdef" }'));
    const plan = withoutSecrets(planNode(config, "lb1", { cores: 1 }));
    expect(plan.proxy.upstreams[0]?.sticky).toMatchObject({ cookie: "EDGE_HA", secret: "…" });
  });
});
