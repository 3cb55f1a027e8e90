import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { isLogPieces, parseLogFormat } from "../../../src/config/log-format.ts";
import { readConfig } from "../../../src/config/read.ts";
import { base, vip } from "./expect-lines.ts";
import { site } from "./fixtures.ts";

test("parseLogFormat() takes variables out of text", () => {
  expect(parseLogFormat("$status ${Body_Bytes_Sent}b [$http_x_a]")).toEqual([
    { variable: "status" },
    " ",
    { variable: "body_bytes_sent" },
    "b [",
    { variable: "http_x_a" },
    "]",
  ]);
});

test("what stands in place of variables of nginx are variables that there are", () => {
  const source = readFileSync(
    new URL("../../../src/config/foreign-log-variables.ts", import.meta.url),
    "utf8",
  );
  const named = source.match(/\$[a-z0-9_]+(?:NAME)?/g) ?? [];
  expect(named.length).toBeGreaterThan(20);
  for (const name of named) expect(isLogPieces(parseLogFormat(name))).toBeTrue();
});

function read(lines: string, ofRoute = ""): ReturnType<typeof readConfig> {
  const text = site
    .replace("[[site]]", `[[site]]\n${lines}`)
    .replace("[[site.route]]", `[[site.route]]\n${ofRoute}`);
  return readConfig(base + vip + text, "f");
}

function faults(lines: string, ofRoute = ""): string {
  const { diagnostics } = read(lines, ofRoute);
  return diagnostics.map(({ key, remedy, what }) => `${key}: ${what}; ${remedy}`).join("\n");
}

/** Gives the logs of the site and of its route. */
function log(lines: string, ofRoute = ""): unknown {
  const { config } = read(lines, ofRoute);
  return [config?.sites[0]?.accessLog, config?.sites[0]?.routes[0]?.accessLog];
}

describe("access_log", () => {
  test("goes to a file, to standard output or to syslog, and a route may have its own or none", () => {
    expect(log('access_log = { path = "/a.log" }')).toEqual([
      { to: { kind: "file", path: "/a.log" }, format: "main", escape: null },
      null,
    ]);
    expect(log('access_log = { path = "stdout", format = "json" }', "access_log = false")).toEqual([
      { to: { kind: "stdout" }, format: "json", escape: null },
      "off",
    ]);
    const syslog =
      'access_log = { syslog = "192.0.2.9:514", tag = "shop", format = "$status", escape = "none" }';
    const endpoint = { address: "192.0.2.9", port: 514 };
    const plan = { to: { kind: "syslog", endpoint, tag: "shop" }, format: "$status", escape: "none" };
    expect(log("", syslog)).toEqual([null, plan]);
    const local = {
      to: { kind: "local-syslog", path: "/dev/log", tag: "edge-ha" },
      format: "main",
      escape: null,
    };
    expect(log("", 'access_log = { syslog = "/dev/log" }')).toEqual([null, local]);
    expect(log("access_log = false")).toEqual([null, null]);
  });

  test.each([
    [
      'access_log = { path = "/a", format = "$stauts" }',
      "access_log.format: $stauts is no variable; did you mean $status?",
    ],
    [
      'access_log = { path = "/a", format = "$htp_referer" }',
      "$htp_referer is no variable; docs/configuration.md lists",
    ],
    [
      'access_log = { path = "/a", format = "$request_body" }',
      "$request_body is no variable here; bodies are passed on and not kept",
    ],
    ['access_log = { path = "/a", format = "$gzip_ratio" }', "write $upstream_response_length beside"],
    ['access_log = { path = "/a", format = "$geoip2_country" }', "have it looked up where logs are read"],
    ['access_log = { path = "/a", format = "$upstream_trailer_x" }', "$upstream_http_NAME is a field"],
    ['access_log = { path = "/a", format = "$ssl_client_i_dn" }', "there are $ssl_client_s_dn"],
    ['access_log = { path = "/a", format = "cost: 5$" }', "has a $ without the name of a variable"],
    [
      'access_log = { path = "/a", format = "comined" }',
      'has no variable in it; write "main", "combined", "json"',
    ],
    ["access_log = {}", "access_log: says not where to"],
    [
      'access_log = { path = "/a", syslog = "192.0.2.9:514" }',
      "has both path and syslog; remove one of them",
    ],
    ['access_log = { path = "/a", tag = "x" }', "access_log.tag: is for syslog alone; remove it"],
    ['access_log = { syslog = "/dev/" }', 'access_log.syslog: "/dev/" is no address with a port'],
    ['access_log = { path = "a.log" }', "access_log.path: is not the absolute path of a file"],
    ["access_log = true", "access_log: must be a table, not true"],
    ['access_log = { file = "/a" }', "access_log"],
  ])("%s is answered with the cure", (lines, words) => {
    expect(faults(lines)).toContain(words);
  });
});
