import { describe, expect, test } from "bun:test";
import { readConfig } from "../../../src/config/read.ts";
import { base, vip } from "./expect-lines.ts";
import { site } from "./fixtures.ts";

function listenerWith(lines: string): ReturnType<typeof readConfig> {
  return readConfig(base + vip + site.replace('":8080"', `":8080"\n${lines}`), "f");
}

function upstreamTold(version: string): ReturnType<typeof readConfig> {
  const lines = `[[upstream]]\nproxy_protocol = ${version}\ncheck = { type = "http" }`;
  return readConfig(base + vip + site.replace("[[upstream]]", lines), "f");
}

function faults(lines: string): readonly string[] {
  return listenerWith(lines).diagnostics.map(({ key, remedy, what }) => `${key}: ${what}; ${remedy}`);
}

describe("proxy_protocol of a listener", () => {
  test("names networks, and has 5 seconds", () => {
    const { config, diagnostics } = listenerWith(
      'proxy_protocol = { from = ["192.0.2.7/24", "2001:db8::1"] }',
    );
    expect(diagnostics).toEqual([]);
    expect(config?.listeners[0]?.proxyProtocol).toEqual({
      from: [
        { address: "192.0.2.0", length: 24 },
        { address: "2001:db8::1", length: 128 },
      ],
      timeoutMs: 5_000,
    });
  });

  test("says whom it believes", () => {
    expect(faults("proxy_protocol = true")).toEqual([
      'listener "http".proxy_protocol: must be a table, not true; write proxy_protocol = { from = ["192.0.2.0/24"] }',
    ]);
    expect(faults("proxy_protocol = { from = [] }")).toEqual([
      'listener "http".proxy_protocol.from: is an empty list; write the balancers that send it, from = ["…"]',
    ]);
  });

  test("may stand before TLS", () => {
    const lines =
      'tls = [{ certificate = "/a.pem", key = "/a.key" }]\nproxy_protocol = { from = ["192.0.2.1"] }';
    expect(faults(lines)).toEqual([]);
  });
});

test("an upstream is told by version 1 or 2 of the PROXY protocol", () => {
  const [upstream] = upstreamTold('"v2"').config?.upstreams ?? [];
  expect(upstream?.proxyProtocol).toBe("v2");
  expect(upstream?.servers[0]?.checks.map(({ proxyProtocol }) => proxyProtocol)).toEqual(["v2"]);
  expect(upstreamTold('"v3"').diagnostics.map(({ what }) => what)).toEqual([
    'must be one of "v1", "v2", not "v3"',
  ]);
});
