import { describe, expect, test } from "bun:test";
import { noKnowledge } from "../../../src/config/model.ts";
import { readConfig } from "../../../src/config/read.ts";
import { base, vip } from "./expect-lines.ts";
import { site } from "./fixtures.ts";

function read(siteLines: string, routeLines = "", knowledge = noKnowledge): ReturnType<typeof readConfig> {
  const text = site
    .replace("[[site]]\n", `[[site]]\n${siteLines}\n`)
    .replace("[[site.route]]\n", `[[site.route]]\n${routeLines}\n`);
  return readConfig(base + vip + text, "f", knowledge);
}

function faults(lines: string, knowledge = noKnowledge): readonly string[] {
  const { diagnostics } = read("", lines, knowledge);
  return diagnostics.map(
    ({ key, remedy, what }) => `${key?.replace(/^.*route/, "route")}: ${what}; ${remedy}`,
  );
}

describe("basic_auth, rate_limit and connection_limit", () => {
  test("hold for every route of their site, unless that says something else", () => {
    const lines =
      'basic_auth = { users = "/u" }\nrate_limit = { rate = "30/min" }\nconnection_limit = { connections = 10 }';
    expect(read(lines).config?.sites[0]?.routes[0]?.admission).toEqual({
      basicAuth: { users: "/u", realm: "edge-ha" },
      rateLimit: { id: "*", intervalMs: 2000, burst: 0, delays: false, key: { kind: "source" } },
      connectionLimit: { id: "*", connections: 10, status: 503, key: { kind: "source" } },
    });
    const own =
      'basic_auth = false\nrate_limit = { rate = "10/s", burst = 5, delay = true, key = "header:X-Key" }\nconnection_limit = { connections = 2, status = 429, key = "query:id" }';
    expect(read(lines, own).config?.sites[0]?.routes[0]?.admission).toEqual({
      basicAuth: null,
      rateLimit: {
        id: "* 0",
        intervalMs: 100,
        burst: 5,
        delays: true,
        key: { kind: "header", name: "x-key" },
      },
      connectionLimit: { id: "* 0", connections: 2, status: 429, key: { kind: "query", name: "id" } },
    });
  });

  test.each([
    [
      "rate_limit = 10",
      'rate_limit: must be a table, not 10; write rate_limit = { rate = "10/s", burst = 20 }',
    ],
    [
      'rate_limit = { rate = "10" }',
      'rate_limit.rate: "10" is no rate; write rate = "10/s" for each second, or rate = "30/min"',
    ],
    [
      'rate_limit = { rate = "1/s", key = "ip" }',
      'rate_limit.key: "ip" is nothing that is counted; write "source", "host", "path", "uri", "header:X-Api-Key", "cookie:session", "query:id" or "all"',
    ],
    [
      "connection_limit = { connections = 0 }",
      "connection_limit.connections: 0 is not between 1 and 1000000; write connections = 10",
    ],
    [
      'rate_limit = { rate = "1/s", delay = true }',
      "rate_limit.delay: there is nobody to delay: without a burst, whatever is too early is refused; write burst = 20 beside it, or remove it",
    ],
    [
      'rate_limit = { rate = "1/min", burst = 5, delay = true }',
      "rate_limit.burst: the last of the burst would wait 5m; write a burst that is served within 1m, or delay = false",
    ],
    [
      'basic_auth = { users = "/u", realm = "a\\"b" }',
      "basic_auth.realm: can be no realm; write letters of ASCII without quotation marks and backslash",
    ],
  ])("%s", (lines, fault) => {
    expect(faults(lines)).toEqual([`route[0].${fault}`]);
  });

  test("need a file of users that can be used", () => {
    const knowledge = {
      ...noKnowledge,
      usersProblem: (path: string) => `${path}: line 1: ann has an MD5 hash`,
    };
    expect(faults('basic_auth = { users = "/u" }', knowledge)).toEqual([
      "route[0].basic_auth.users: /u: line 1: ann has an MD5 hash; write one line for each user with `htpasswd -nB NAME`, or with a hash of argon2id",
    ]);
  });
});
