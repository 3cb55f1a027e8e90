import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { readConfig } from "../../../src/config/read.ts";

const root = `${import.meta.dir}/../../..`;
const page = readFileSync(`${root}/docs/configuration.md`, "utf8");
const blocks = [...page.matchAll(/```(\w*)\n([^]*?)```/g)].map(([, kind, text = ""]) => ({ kind, text }));
const examples = blocks.filter(({ kind }) => kind === "toml").map(({ text }) => text);

/** What examples that show a part alone stand in. */
const cluster = `[cluster]
name = "edge"
[[node]]
name = "lb1"
address = { eth1 = "172.16.8.10/24", eth2 = "10.16.8.10/24" }
[[node]]
name = "lb2"
address = { eth1 = "172.16.8.11/24", eth2 = "10.16.8.11/24" }
`;
const vip = '[[vip]]\nname = "v"\naddress = "172.16.8.100/24"\nprefer = ["lb1", "lb2"]\n';
const http = `[[listener]]
name = "http"
address = ":80"
`;
const route = '[[site.route]]\npath = "/"\nrespond = { status = 200 }\n';

/** Examples of a part, by how they begin, and the file that each is a part of. */
const parts: readonly (readonly [string, (part: string) => string])[] = [
  [
    "heartbeats = ",
    (part) =>
      cluster.replace("[[node]]", `${part}[[node]]`).replace('eth2 = "10.16.8.11', 'ens4 = "10.16.8.11') +
      vip,
  ],
  ['[[vip]]\nname = "public-1-v6"', (part) => cluster + part],
  ["extra_addresses = ", (part) => cluster + vip + part],
  ["routes = ", (part) => cluster + vip + part],
  ["rules = ", (part) => cluster + vip + part],
  ["notify = ", (part) => cluster + vip + part],
  ['[[site]]\nhosts = ["shop.example"]', (part) => cluster + vip + http + part + route],
];

/** Every table with its heading in the manual, and a text that has an unknown key in it. */
const tables: readonly (readonly [string, string])[] = [
  ["## `[cluster]`", "[cluster]\n_ = 1"],
  ["## `bfd`", "[cluster]\nbfd = { _ = 1 }"],
  ["## `[[bfd]]`", "[[bfd]]\n_ = 1"],
  ["## `garp`", "[cluster]\ngarp = { _ = 1 }"],
  ["## `auth`", '[cluster]\nauth = { type = "hmac", _ = 1 }'],
  ["## `auth`", '[cluster]\nauth = { type = "pass", _ = 1 }'],
  ["## `[[node]]`", "[[node]]\n_ = 1"],
  ["## `[[vip]]`", "[[vip]]\n_ = 1"],
  ["## `[[vrrp]]`", "[[vrrp]]\n_ = 1"],
  ["## `extra_addresses`", "[[vip]]\nextra_addresses = [{ _ = 1 }]"],
  ["## `routes`", "[[vip]]\nroutes = [{ _ = 1 }]"],
  ["## `rules`", "[[vip]]\nrules = [{ _ = 1 }]"],
  ["## `[[sync_group]]`", "[[sync_group]]\n_ = 1"],
  ["## `[[track]]`", "[[track]]\n_ = 1"],
  ["## `[[service]]`", "[[service]]\n_ = 1"],
  ["## `[[service]]`", "[[service]]\nservers = [{ _ = 1 }]"],
  ["### `[[address_group]]`", "[[address_group]]\n_ = 1"],
  ["### `[[server_group]]`", "[[server_group]]\n_ = 1"],
  ["## `[sync_daemon]`", "[sync_daemon]\n_ = 1"],
  ["## `[ipvs]`", "[ipvs]\n_ = 1"],
  ["## `check`", '[[service]]\ncheck = { type = "tcp", _ = 1 }'],
  ["## `check`", '[[service]]\ncheck = { type = "http", _ = 1 }'],
  ["## `check`", '[[service]]\ncheck = { type = "https", _ = 1 }'],
  ...["udp", "dns", "smtp", "ping", "grpc", "script", "file", "agent"].map(
    (type) => ["## `check`", `[[service]]\ncheck = { type = "${type}", _ = 1 }`] as const,
  ),
  ["## `[[listener]]`", "[[listener]]\n_ = 1"],
  ["## `[[listener]]`", "[[listener]]\nlimits = { _ = 1 }"],
  ["## `[[listener]]`", "[[listener]]\nproxy_protocol = { _ = 1 }"],
  ["## `[[upstream]]`", "[[upstream]]\n_ = 1"],
  ["## `[[upstream]]`", "[[upstream]]\nservers = [{ _ = 1 }]"],
  ["## `[[upstream]]`", "[[upstream]]\nkeepalive = { _ = 1 }"],
  ["### Servers by name", "[[upstream]]\nresolve = { _ = 1 }"],
  ...["sticky", "queue", "ejection", "retries"].map(
    (key) => ["## `[[upstream]]`", `[[upstream]]\n${key} = { _ = 1 }`] as const,
  ),
  ["## `[[site]]`", "[[site]]\n_ = 1"],
  ["### `[[site.route]]`", "[[site]]\n[[site.route]]\n_ = 1"],
  ["## `[[upstream]]`", "[[site]]\n[[site.route]]\nretries = { _ = 1 }"],
  ["### `[[site.route]]`", "[[site]]\n[[site.route]]\ntimeouts = { _ = 1 }"],
  ["### `basic_auth`", "[[site]]\nbasic_auth = { _ = 1 }"],
  ["### `rate_limit`", "[[site]]\n[[site.route]]\nrate_limit = { _ = 1 }"],
  ["### `connection_limit`", "[[site]]\nconnection_limit = { _ = 1 }"],
  ["### `cache`", "[[site]]\ncache = { _ = 1 }"],
  ["## `[[site]]`", "[[site]]\nmaintenance = { _ = 1 }"],
  ["## `[[site]]`", "[[site]]\nfiles = { _ = 1 }"],
  ["## `[notify]`", "[notify]\n_ = 1"],
  ["### `notify` of one", "[[vip]]\nnotify = { _ = 1 }"],
  ["## `[proxy]`", "[proxy]\n_ = 1"],
  ["## `[real_server]`", "[real_server]\n_ = 1"],
];

function keysOf(text: string): readonly string[] {
  const remedies = readConfig(text, "f").diagnostics.map(({ remedy }) => remedy);
  const list = remedies.find((remedy) => remedy.startsWith("the keys here are "));
  return list?.replace("the keys here are ", "").split(", ") ?? [];
}

function sectionUnder(heading: string): string {
  const [, rest = ""] = page.split(`\n${heading}\n`);
  return rest.split(/\n##{1,2} /)[0] ?? "";
}

describe("docs/configuration.md", () => {
  test.each(tables)("has every key under %s that %j may have", (heading, text) => {
    const keys = keysOf(text);
    expect(keys.length).toBeGreaterThan(0);
    const section = sectionUnder(heading);
    expect(keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(section))).toEqual([]);
  });

  test("has examples that load", () => {
    expect(examples).toHaveLength(3);
    const diagnostics = examples.map((example) => readConfig(example, "f").diagnostics);
    expect(diagnostics).toEqual([[], [], []]);
  });

  test("has examples of parts that load in their place", () => {
    const shown = blocks.filter(({ kind, text }) => kind === "" && !text.startsWith("echo "));
    const files = shown.map(({ text }) => {
      const file = parts.find(([start]) => text.startsWith(start))?.[1];
      return file === undefined ? text : file(text);
    });
    expect(files).toHaveLength(parts.length);
    expect(files.flatMap((text) => readConfig(text, "f").diagnostics)).toEqual([]);
  });
});

test("README.md has an example that loads", () => {
  const readme = readFileSync(`${root}/README.md`, "utf8");
  const [, text = ""] = /```toml\n([^]*?)```/.exec(readme) ?? [];
  expect(text).toContain("[cluster]");
  expect(readConfig(text.replaceAll(/^ {3}/gm, ""), "f").diagnostics).toEqual([]);
});
